//! The program's output, passed on as it comes.

use super::progress::Progress;
use cofferdam_core::{Observer, Phase, Stream};
use cofferdam_types::Capture;
use std::{
    fmt,
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};
use tokio_util::sync::CancellationToken;

type Piece = (Stream, Vec<u8>);

/// Hears of a run and writes its output to our own streams, on a thread that may block. What waits for that thread is
/// bounded by what is kept of the output.
pub(super) struct Live {
    progress: Progress,
    /// None when output is not to be shown, or no more of it comes.
    pieces: Mutex<Option<Sender<Piece>>>,
}

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) stdout: Written,
    pub(super) stderr: Written,
}

/// What was written of one stream.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Bytes of the program's.
    pub(super) bytes: u64,
    /// Whether the last of them ended a line.
    ends_line: bool,
    /// Why no more could be.
    pub(super) failed: Option<io::Error>,
}

impl Live {
    /// Shows nothing.
    pub(super) fn silent() -> Self {
        Self { progress: Progress::new(true), pieces: Mutex::new(None) }
    }

    /// Shows the output. Where the reader of standard output has gone away, it sets `reader_left`.
    pub(super) fn start(reader_left: CancellationToken) -> (Self, Option<JoinHandle<Shown>>) {
        let (sender, receiver) = channel();
        let writer = thread::spawn(move || write_all(&receiver, &reader_left));
        (Self { progress: Progress::new(false), pieces: Mutex::new(Some(sender)) }, Some(writer))
    }

    /// No more comes: the writer ends when it has written the rest.
    pub(super) fn end(&self) {
        self.progress.clear();
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Observer for Live {
    fn entered(&self, phase: Phase) {
        match phase {
            Phase::Starting | Phase::Scheduled => self.progress.show("starting the sandbox …"),
            // From here on the terminal is the program's.
            Phase::Running | Phase::Cleaning => self.progress.clear(),
        }
    }

    fn wrote(&self, stream: Stream, bytes: &[u8]) {
        if let Some(pieces) = &*self.pieces.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = pieces.send((stream, bytes.to_vec()));
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

fn write_all(pieces: &Receiver<Piece>, reader_left: &CancellationToken) -> Shown {
    let mut shown = Shown::default();
    for (stream, bytes) in pieces {
        match stream {
            Stream::Stdout => shown.stdout.write(io::stdout().lock(), &bytes),
            Stream::Stderr => shown.stderr.write(io::stderr().lock(), &bytes),
        }
        if shown.stdout.reader_left() {
            reader_left.cancel();
        }
    }
    shown
}

impl Written {
    /// Writes what the program wrote; nothing once that has failed.
    pub(super) fn write(&mut self, mut to: impl Write, bytes: &[u8]) {
        if self.failed.is_some() || bytes.is_empty() {
            return;
        }
        match to.write_all(bytes).and_then(|()| to.flush()) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                self.ends_line = bytes.ends_with(b"\n");
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn reader_left(&self) -> bool {
        self.failed.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Writes what is kept of the output and was not told of while it came: the tail of a stream that was cut, after a
    /// line that says how much is missing.
    pub(super) fn finish(&mut self, mut to: impl Write, output: &Capture) {
        let Some((missing, rest)) = rest(output, self.bytes).filter(|_| self.failed.is_none()) else { return };
        if missing > 0 {
            let newline = if self.bytes == 0 || self.ends_line { "" } else { "\n" };
            self.failed = writeln!(to, "{newline}[... {missing} bytes cut ...]").err();
        }
        self.write(to, rest);
    }
}

/// What follows the first `told` bytes of a stream that was cut: how many bytes are missing, and those after them that are
/// kept. None where nothing is.
fn rest(output: &Capture, told: u64) -> Option<(u64, &[u8])> {
    let kept = &output.bytes;
    let tail = kept.get(usize::try_from(output.cut?).ok()?..)?;
    let start = output.length.saturating_sub(tail.len() as u64);
    let rest = tail.get(usize::try_from(told.saturating_sub(start)).ok()?..)?;
    (!rest.is_empty()).then_some((start.saturating_sub(told), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of the letters from `a` on, cut to a bound as the collector and the runner do.
    fn cut(bound: usize, length: usize) -> (Vec<u8>, Capture) {
        let all: Vec<u8> = (b'a'..=b'z').take(length).collect();
        let head = bound - bound / 2;
        let kept = [&all[..head], &all[length - bound / 2..]].concat();
        let output = Capture { bytes: kept, length: length as u64, cut: Some(head as u64) };
        (all, output)
    }

    fn written(bound: usize, length: usize) -> (String, u64) {
        let (all, output) = cut(bound, length);
        let (mut to, mut written) = (Vec::new(), Written::default());
        written.write(&mut to, &all[..bound]);
        written.finish(&mut to, &output);
        (String::from_utf8(to).expect("letters"), written.bytes)
    }

    #[test]
    fn what_was_cut_is_missing_between_what_was_live_and_the_tail() {
        assert_eq!(written(6, 26), ("abcdef\n[... 17 bytes cut ...]\nxyz".into(), 9));
    }

    #[test]
    fn a_tail_that_meets_what_was_live_makes_it_whole() {
        for length in [7, 8, 9] {
            assert_eq!(written(6, length), ("abcdefghi"[..length].into(), length as u64));
        }
        assert_eq!(written(6, 10), ("abcdef\n[... 1 bytes cut ...]\nhij".into(), 9));
    }

    #[test]
    fn nothing_follows_a_stream_that_is_whole_or_that_nobody_knows_the_end_of() {
        let whole = Capture { bytes: b"abc".to_vec(), length: 3, cut: None };
        assert_eq!(rest(&whole, 3), None);
        let died = Capture { bytes: b"abcdef".to_vec(), length: 6, cut: Some(3) };
        assert_eq!(rest(&died, 6), None);
    }

    #[test]
    fn nothing_is_written_once_that_has_failed() {
        let mut written = Written::default();
        written.write(&mut [0; 2][..], b"abc");
        assert!(written.failed.is_some() && written.bytes == 0);
        let mut to = Vec::new();
        written.finish(&mut to, &cut(6, 26).1);
        assert!(to.is_empty());
    }
}
