//! Frames in a container's log, which carries lines of text only. Each line contains the offset of its bytes
//! in the channel, so that a lost line is detected and a repeated one is ignored.

use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_STANDARD};

/// Starts each line of the runner. Other lines are the container runtime's.
const PREFIX: &[u8] = b"cofferdam ";
/// Most bytes of the channel in one line. A container runtime splits a line of that length into a few pieces
/// only.
const MAX_LINE_BYTES: usize = 48 << 10;
/// Longest line that the runner writes.
const MAX_LINE: usize = MAX_LINE_BYTES / 3 * 4 + 64;

/// Encodes the bytes of a channel as lines.
#[derive(Debug, Default)]
pub struct LogEncoder {
    offset: u64,
}

impl LogEncoder {
    /// Encodes the next bytes of the channel.
    pub fn encode(&mut self, bytes: &[u8]) -> String {
        bytes
            .chunks(MAX_LINE_BYTES)
            .map(|chunk| {
                let line = format!("cofferdam {} {}\n", self.offset, BASE64_STANDARD.encode(chunk));
                self.offset += chunk.len() as u64;
                line
            })
            .collect()
    }
}

/// The log does not contain the next bytes of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the container's log lacks some of the runner's output")]
pub struct LogGap;

/// Decodes the bytes of a channel from a log, which may be read more than once.
#[derive(Debug, Default)]
pub struct LogDecoder {
    /// The incomplete last line.
    line: Vec<u8>,
    /// Bytes of the channel that were decoded.
    offset: u64,
    foreign: Vec<u8>,
    /// Bytes of the log that may still be skipped until the log is replayed.
    skippable: usize,
}

impl LogDecoder {
    /// Bytes that are kept of lines that the runner did not write, such as messages of the container runtime.
    const MAX_FOREIGN: usize = 4 << 10;
    /// Bytes of the log that may precede its replay.
    const MAX_SKIPPABLE: usize = 1 << 20;

    /// Decodes the next bytes of the log and returns the new bytes of the channel.
    ///
    /// # Errors
    ///
    /// [`LogGap`] if bytes of the channel are missing. Nothing of `log` is decoded then, so that the log can
    /// be read again.
    pub fn push(&mut self, log: &[u8]) -> Result<Vec<u8>, LogGap> {
        let (mut new, before) = (Vec::new(), self.offset);
        for piece in log.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                if let Err(gap) = self.decode_line(line.trim_ascii_end(), &mut new) {
                    self.offset = before;
                    return Err(gap);
                }
            }
        }
        Ok(new)
    }

    /// The log is read again, from any offset.
    pub fn restart(&mut self) {
        self.line.clear();
        self.skippable = 0;
    }

    /// The next bytes of the log start anywhere in it. A replay of the log from its beginning follows them.
    pub fn expect_replay(&mut self) {
        self.restart();
        self.skippable = Self::MAX_SKIPPABLE;
    }

    /// Whether the expected replay has not started.
    #[must_use]
    pub fn awaits_replay(&self) -> bool {
        self.skippable > 0
    }

    /// The lines of the log that the runner did not write.
    #[must_use]
    pub fn foreign_lines(&self) -> String {
        String::from_utf8_lossy(&self.foreign).trim().into()
    }

    fn decode_line(&mut self, line: &[u8], new: &mut Vec<u8>) -> Result<(), LogGap> {
        let skippable = self.skippable.saturating_sub(line.len());
        let Some((offset, bytes)) = parse(line) else {
            if skippable > 0 {
                // The rest of a line that began before the log was attached.
                self.skippable = skippable;
            } else {
                let room = Self::MAX_FOREIGN.saturating_sub(self.foreign.len());
                self.foreign.extend(line.iter().chain(b"\n").take(room));
            }
            return Ok(());
        };
        let Some(known) = self.offset.checked_sub(offset) else {
            if skippable == 0 {
                return Err(LogGap);
            }
            self.skippable = skippable;
            return Ok(());
        };
        self.skippable = 0;
        let fresh = usize::try_from(known).ok().and_then(|known| bytes.get(known..)).unwrap_or_default();
        self.offset += fresh.len() as u64;
        new.extend_from_slice(fresh);
        Ok(())
    }
}

fn parse(line: &[u8]) -> Option<(u64, Vec<u8>)> {
    let line = core::str::from_utf8(line.strip_prefix(PREFIX)?).ok()?;
    let (offset, bytes) = line.split_once(' ')?;
    Some((offset.parse().ok()?, BASE64_STANDARD.decode(bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn channel() -> Vec<u8> {
        (0..=255).cycle().take(3 * MAX_LINE_BYTES + 17).collect()
    }

    #[test]
    fn a_log_split_at_any_byte_decodes_to_the_same_bytes() {
        let mut encoder = LogEncoder::default();
        let log: String = channel().chunks(MAX_LINE_BYTES + 1).map(|chunk| encoder.encode(chunk)).collect();
        for size in [1, 7, 4096, log.len()] {
            let mut decoder = LogDecoder::default();
            let read: Vec<u8> =
                log.as_bytes().chunks(size).flat_map(|chunk| decoder.push(chunk).expect("no gap")).collect();
            assert_eq!(read, channel());
        }
    }

    #[test]
    fn a_log_that_is_read_again_returns_only_new_bytes() {
        let mut encoder = LogEncoder::default();
        let (first, second) = (encoder.encode(b"first"), encoder.encode(b"second"));
        let mut decoder = LogDecoder::default();
        let half = [first.as_bytes(), &second.as_bytes()[..9]].concat();
        assert_eq!(decoder.push(&half).expect("no gap"), b"first");
        decoder.restart();
        assert_eq!(decoder.push([first, second].concat().as_bytes()).expect("no gap"), b"second");
    }

    #[test]
    fn a_missing_line_is_an_error() {
        let mut encoder = LogEncoder::default();
        let (_, second) = (encoder.encode(b"first"), encoder.encode(b"second"));
        assert_eq!(LogDecoder::default().push(second.as_bytes()), Err(LogGap));
    }

    #[test]
    fn bytes_before_a_gap_are_returned_when_the_log_is_read_again() {
        let mut encoder = LogEncoder::default();
        let lines = [encoder.encode(b"first"), encoder.encode(b"second"), encoder.encode(b"third")];
        let mut decoder = LogDecoder::default();
        assert_eq!(decoder.push([&*lines[0], &*lines[2]].concat().as_bytes()), Err(LogGap));
        decoder.restart();
        assert_eq!(decoder.push(lines.concat().as_bytes()).expect("no gap"), b"firstsecondthird");
    }

    #[test]
    fn a_log_attached_in_the_middle_is_decoded_from_its_replay() {
        let mut encoder = LogEncoder::default();
        let (first, second, third) =
            (encoder.encode(b"first"), encoder.encode(b"second"), encoder.encode(b"third"));
        let mut decoder = LogDecoder::default();
        decoder.expect_replay();
        let stream = [&second[7..], &third, &first, &second, &third].concat();
        assert_eq!(decoder.push(stream.as_bytes()).expect("no gap"), b"firstsecondthird");
        assert_eq!(decoder.foreign_lines(), "");
        let fourth = [encoder.encode(b"fourth"), encoder.encode(b"fifth")];
        assert_eq!(decoder.push(fourth[1].as_bytes()), Err(LogGap));
        // The log itself is read instead of its replay.
        decoder.restart();
        let log = [first, second, third, fourth.concat()].concat();
        assert_eq!(decoder.push(log.as_bytes()).expect("no gap"), b"fourthfifth");
    }

    #[test]
    fn a_missing_replay_is_an_error_after_a_bounded_number_of_bytes() {
        let mut encoder = LogEncoder::default();
        encoder.encode(b"first");
        let mut decoder = LogDecoder::default();
        decoder.expect_replay();
        let mut rest = (0..100).map(|_| encoder.encode(&[0; MAX_LINE_BYTES]));
        assert!(rest.any(|line| decoder.push(line.as_bytes()).is_err()));
    }

    #[test]
    fn lines_of_the_container_runtime_are_kept_apart() {
        let mut decoder = LogDecoder::default();
        let foreign = ["runsc: oops\n", "cofferdam is a word\n", &"x".repeat(2 * MAX_LINE), "\n"].concat();
        assert_eq!(decoder.push(foreign.as_bytes()), Ok(vec![]));
        assert_eq!(decoder.push(LogEncoder::default().encode(b"frame").as_bytes()), Ok(b"frame".to_vec()));
        assert!(decoder.foreign_lines().starts_with("runsc: oops\ncofferdam is a word\nxxx"));
        assert!(decoder.foreign_lines().len() <= LogDecoder::MAX_FOREIGN);
    }
}
