//! Frames in a container's log, where only lines of text are safe: each line says which bytes of the channel it holds, so
//! that a line that was lost is noticed, and one that was read twice counts once.

use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_STANDARD};

/// Starts each line, to tell it from what a container runtime may say.
const MARK: &[u8] = b"cofferdam ";
/// Bytes of the channel in a line, at the most: what a container runtime passes on in a few pieces.
const LINE: usize = 48 << 10;
/// Longest line that is one of ours.
const MAX_LINE: usize = LINE / 3 * 4 + 64;

/// Writes the channel's bytes as lines.
#[derive(Debug, Default)]
pub struct LogEncoder {
    written: u64,
}

impl LogEncoder {
    /// The next bytes of the channel as lines.
    pub fn encode(&mut self, bytes: &[u8]) -> String {
        bytes
            .chunks(LINE)
            .map(|chunk| {
                let line = format!("cofferdam {} {}\n", self.written, BASE64_STANDARD.encode(chunk));
                self.written += chunk.len() as u64;
                line
            })
            .collect()
    }
}

/// Some of the log is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the container's log lacks some of what the runner wrote to it")]
pub struct LogGap;

/// Reads the channel's bytes from a log, as often as it has to be read again.
#[derive(Debug, Default)]
pub struct LogDecoder {
    line: Vec<u8>,
    taken: u64,
    other: Vec<u8>,
    /// Bytes that may still be passed over before those that come next.
    ahead: usize,
}

impl LogDecoder {
    /// Bytes of lines that are not the runner's, such as a container runtime's complaints, that are kept.
    const MAX_OTHER: usize = 4 << 10;
    /// Bytes of the log that come before its beginning does, where it is joined in the middle.
    const MAX_AHEAD: usize = 1 << 20;

    /// Takes the next bytes of the log and gives those of the channel that are new.
    ///
    /// # Errors
    ///
    /// [`LogGap`] if some are missing before these. None of these bytes count as taken then: the log can be read again.
    pub fn push(&mut self, log: &[u8]) -> Result<Vec<u8>, LogGap> {
        let (mut new, before) = (Vec::new(), self.taken);
        for piece in log.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                if let Err(gap) = self.take_line(line.trim_ascii_end(), &mut new) {
                    self.taken = before;
                    return Err(gap);
                }
            }
        }
        Ok(new)
    }

    /// The log is being read again, from wherever.
    pub fn restart(&mut self) {
        self.line.clear();
        self.ahead = 0;
    }

    /// What comes begins in the middle, and is followed by all of it from the beginning.
    pub fn join(&mut self) {
        self.restart();
        self.ahead = Self::MAX_AHEAD;
    }

    /// Whether what was joined in the middle has not come to its beginning yet.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.ahead > 0
    }

    /// What stands in the log beside the runner's lines.
    #[must_use]
    pub fn other(&self) -> String {
        String::from_utf8_lossy(&self.other).trim().into()
    }

    fn take_line(&mut self, line: &[u8], new: &mut Vec<u8>) -> Result<(), LogGap> {
        let ahead = self.ahead.checked_sub(line.len()).filter(|ahead| *ahead > 0);
        let Some((offset, bytes)) = parse(line) else {
            // The first is half of a line.
            if let Some(ahead) = ahead {
                self.ahead = ahead;
                return Ok(());
            }
            let room = Self::MAX_OTHER.saturating_sub(self.other.len());
            self.other.extend(line.iter().chain(b"\n").take(room));
            return Ok(());
        };
        let Some(known) = self.taken.checked_sub(offset) else {
            self.ahead = ahead.ok_or(LogGap)?;
            return Ok(());
        };
        self.ahead = 0;
        let fresh = usize::try_from(known).ok().and_then(|known| bytes.get(known..)).unwrap_or_default();
        self.taken += fresh.len() as u64;
        new.extend_from_slice(fresh);
        Ok(())
    }
}

fn parse(line: &[u8]) -> Option<(u64, Vec<u8>)> {
    let line = core::str::from_utf8(line.strip_prefix(MARK)?).ok()?;
    let (offset, bytes) = line.split_once(' ')?;
    Some((offset.parse().ok()?, BASE64_STANDARD.decode(bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn channel() -> Vec<u8> {
        (0..=255).cycle().take(3 * LINE + 17).collect()
    }

    #[test]
    fn any_bytes_survive_a_log_however_it_is_split() {
        let mut encoder = LogEncoder::default();
        let log: String = channel().chunks(LINE + 1).map(|chunk| encoder.encode(chunk)).collect();
        for size in [1, 7, 4096, log.len()] {
            let mut decoder = LogDecoder::default();
            let read: Vec<u8> =
                log.as_bytes().chunks(size).flat_map(|chunk| decoder.push(chunk).expect("no gap")).collect();
            assert_eq!(read, channel());
        }
    }

    #[test]
    fn a_log_that_is_read_again_gives_only_what_is_new() {
        let mut encoder = LogEncoder::default();
        let (first, second) = (encoder.encode(b"first"), encoder.encode(b"second"));
        let mut decoder = LogDecoder::default();
        let half = [first.as_bytes(), &second.as_bytes()[..9]].concat();
        assert_eq!(decoder.push(&half).expect("no gap"), b"first");
        decoder.restart();
        assert_eq!(decoder.push([first, second].concat().as_bytes()).expect("no gap"), b"second");
    }

    #[test]
    fn a_line_that_is_missing_is_noticed() {
        let mut encoder = LogEncoder::default();
        let (_, second) = (encoder.encode(b"first"), encoder.encode(b"second"));
        assert_eq!(LogDecoder::default().push(second.as_bytes()), Err(LogGap));
    }

    #[test]
    fn bytes_before_a_gap_are_given_when_the_log_is_read_again() {
        let mut encoder = LogEncoder::default();
        let lines = [encoder.encode(b"first"), encoder.encode(b"second"), encoder.encode(b"third")];
        let mut decoder = LogDecoder::default();
        assert_eq!(decoder.push([&*lines[0], &*lines[2]].concat().as_bytes()), Err(LogGap));
        decoder.restart();
        assert_eq!(decoder.push(lines.concat().as_bytes()).expect("no gap"), b"firstsecondthird");
    }

    #[test]
    fn a_log_that_is_joined_in_the_middle_comes_round() {
        let mut encoder = LogEncoder::default();
        let (first, second, third) = (encoder.encode(b"first"), encoder.encode(b"second"), encoder.encode(b"third"));
        let mut decoder = LogDecoder::default();
        decoder.join();
        let stream = [&second[7..], &third, &first, &second, &third].concat();
        assert_eq!(decoder.push(stream.as_bytes()).expect("no gap"), b"firstsecondthird");
        assert_eq!(decoder.other(), "");
        let fourth = [encoder.encode(b"fourth"), encoder.encode(b"fifth")];
        assert_eq!(decoder.push(fourth[1].as_bytes()), Err(LogGap));
        // From the log, after all.
        decoder.restart();
        let log = [first, second, third, fourth.concat()].concat();
        assert_eq!(decoder.push(log.as_bytes()).expect("no gap"), b"fourthfifth");
    }

    #[test]
    fn a_beginning_is_not_waited_for_for_ever() {
        let mut encoder = LogEncoder::default();
        encoder.encode(b"first");
        let mut decoder = LogDecoder::default();
        decoder.join();
        let mut rest = (0..100).map(|_| encoder.encode(&[0; LINE]));
        assert!(rest.any(|line| decoder.push(line.as_bytes()).is_err()));
    }

    #[test]
    fn other_lines_are_kept_apart() {
        let mut decoder = LogDecoder::default();
        let noise = ["runsc: oops\n", "cofferdam is a word\n", &"x".repeat(2 * MAX_LINE), "\n"].concat();
        assert_eq!(decoder.push(noise.as_bytes()), Ok(vec![]));
        assert_eq!(decoder.push(LogEncoder::default().encode(b"frame").as_bytes()), Ok(b"frame".to_vec()));
        assert!(decoder.other().starts_with("runsc: oops\ncofferdam is a word\nxxx"));
        assert!(decoder.other().len() <= LogDecoder::MAX_OTHER);
    }
}
