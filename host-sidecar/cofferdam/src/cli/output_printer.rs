//! Prints the program's output as it arrives.

use super::status_line::StatusLine;
use cofferdam_core::{Observer, Phase, Stream};
use cofferdam_types::Capture;
use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, Sender, channel},
};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

type Chunk = (Stream, Vec<u8>);

/// Observes an execution and prints its output to our own streams, on a thread that may block. The output
/// limit bounds what is queued for that thread.
#[derive(Debug)]
pub(super) struct OutputPrinter {
    status_line: StatusLine,
    /// The queue, and the task that prints it; none if nothing is to be printed.
    printing: Option<(Sender<Chunk>, JoinHandle<Printed>)>,
}

/// What was printed of both streams.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) stdout: PrintedStream,
    pub(super) stderr: PrintedStream,
}

/// What was printed of one stream.
#[derive(Debug, Default)]
pub(super) struct PrintedStream {
    /// The number of the program's bytes.
    pub(super) bytes: u64,
    /// Whether the last of them ended a line.
    ends_line: bool,
    /// Why no more could be written.
    pub(super) error: Option<io::Error>,
}

impl OutputPrinter {
    /// A printer that prints nothing.
    pub(super) fn silent() -> Self {
        Self { status_line: StatusLine::new(true), printing: None }
    }

    /// Starts to print. It sets `stdout_closed` when the reader of standard output has closed it.
    pub(super) fn start(stdout_closed: CancellationToken) -> Self {
        let (sender, receiver) = channel();
        let task = spawn_blocking(move || print_all(&receiver, &stdout_closed));
        Self { status_line: StatusLine::new(false), printing: Some((sender, task)) }
    }

    /// Waits until all output that has arrived is printed.
    pub(super) async fn finish(self) -> Printed {
        self.status_line.clear();
        let Some((sender, task)) = self.printing else { return Printed::default() };
        drop(sender);
        task.await.unwrap_or_default()
    }
}

impl Observer for OutputPrinter {
    fn on_phase(&self, phase: Phase) {
        match phase {
            Phase::Starting | Phase::Scheduled => self.status_line.show("starting the sandbox …"),
            // From here on the terminal is the program's.
            _ => self.status_line.clear(),
        }
    }

    fn on_output(&self, stream: Stream, bytes: &[u8]) {
        if let Some((sender, _)) = &self.printing {
            let _ = sender.send((stream, bytes.to_vec()));
        }
    }
}

fn print_all(chunks: &Receiver<Chunk>, stdout_closed: &CancellationToken) -> Printed {
    let mut printed = Printed::default();
    for (stream, bytes) in chunks {
        match stream {
            Stream::Stdout => printed.stdout.write(io::stdout().lock(), &bytes),
            Stream::Stderr => printed.stderr.write(io::stderr().lock(), &bytes),
        }
        if printed.stdout.is_closed() {
            stdout_closed.cancel();
        }
    }
    printed
}

impl PrintedStream {
    /// Writes bytes of the program, unless a write has failed before.
    pub(super) fn write(&mut self, mut to: impl Write, bytes: &[u8]) {
        if self.error.is_some() || bytes.is_empty() {
            return;
        }
        match to.write_all(bytes).and_then(|()| to.flush()) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                self.ends_line = bytes.ends_with(b"\n");
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Whether the reader has closed the stream.
    pub(super) fn is_closed(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Writes the rest of the kept output that did not arrive as chunks: the tail of a truncated stream,
    /// after a line with the number of missing bytes.
    pub(super) fn finish(&mut self, mut to: impl Write, output: &Capture) {
        let Some((missing, rest)) = rest(output, self.bytes).filter(|_| self.error.is_none()) else { return };
        if missing > 0 {
            let newline = if self.bytes == 0 || self.ends_line { "" } else { "\n" };
            self.error = writeln!(to, "{newline}[... {missing} bytes cut ...]").err();
        }
        self.write(to, rest);
    }
}

/// What follows the first `printed` bytes of a truncated stream: the number of missing bytes, and the kept
/// bytes after them. None if there are no such bytes.
fn rest(output: &Capture, printed: u64) -> Option<(u64, &[u8])> {
    let kept = &output.bytes;
    let tail = kept.get(usize::try_from(output.cut?).ok()?..)?;
    let start = output.length.saturating_sub(tail.len() as u64);
    let rest = tail.get(usize::try_from(printed.saturating_sub(start)).ok()?..)?;
    (!rest.is_empty()).then_some((start.saturating_sub(printed), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of the letters from `a` on, truncated to a limit as the collector and the runner do.
    fn truncated(limit: usize, length: usize) -> (Vec<u8>, Capture) {
        let all: Vec<u8> = (b'a'..=b'z').take(length).collect();
        let head = limit - limit / 2;
        let kept = [&all[..head], &all[length - limit / 2..]].concat();
        let output = Capture { bytes: kept, length: length as u64, cut: Some(head as u64) };
        (all, output)
    }

    fn written(limit: usize, length: usize) -> (String, u64) {
        let (all, output) = truncated(limit, length);
        let (mut to, mut written) = (Vec::new(), PrintedStream::default());
        written.write(&mut to, &all[..limit]);
        written.finish(&mut to, &output);
        (String::from_utf8(to).expect("letters"), written.bytes)
    }

    #[test]
    fn a_line_between_the_chunks_and_the_tail_counts_the_missing_bytes() {
        assert_eq!(written(6, 26), ("abcdef\n[... 17 bytes cut ...]\nxyz".into(), 9));
    }

    #[test]
    fn a_tail_that_follows_the_chunks_completes_the_output() {
        for length in [7, 8, 9] {
            assert_eq!(written(6, length), ("abcdefghi"[..length].into(), length as u64));
        }
        assert_eq!(written(6, 10), ("abcdef\n[... 1 bytes cut ...]\nhij".into(), 9));
    }

    #[test]
    fn nothing_follows_a_complete_stream_or_one_of_unknown_length() {
        let whole = Capture { bytes: b"abc".to_vec(), length: 3, cut: None };
        assert_eq!(rest(&whole, 3), None);
        let died = Capture { bytes: b"abcdef".to_vec(), length: 6, cut: Some(3) };
        assert_eq!(rest(&died, 6), None);
    }

    #[test]
    fn nothing_is_written_after_a_failed_write() {
        let mut written = PrintedStream::default();
        written.write(&mut [0; 2][..], b"abc");
        assert!(written.error.is_some() && written.bytes == 0);
        let mut to = Vec::new();
        written.finish(&mut to, &truncated(6, 26).1);
        assert!(to.is_empty());
    }
}
