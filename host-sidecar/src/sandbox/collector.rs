//! The runner's frames become what came of a run. Pure.

use crate::execution::{Capture, File, SkippedFile, Status};
use cofferdam_protocol::{Decoder, Ending, Frame, MalformedFrame, Stream};
use std::time::Duration;

/// Gathers the frames of one run.
#[derive(Debug)]
pub(crate) struct Collector {
    decoder: Decoder,
    stdout: StreamCollector,
    stderr: StreamCollector,
    files: Vec<File>,
    skipped: Vec<SkippedFile>,
}

/// What the caller of [`Collector::next_event`] has to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The wall stands.
    Ready,
    /// The program runs.
    Started,
    /// The program wrote these bytes, which are kept.
    Wrote(Stream, &'a [u8]),
    /// The program ended after this time; its files are to come.
    Ended(Status, Duration),
    /// No more comes.
    Done,
    /// The program could not be started or followed, and why; no more comes.
    Failed(String),
}

/// What a program left behind, but for how it ended.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    pub(crate) files: Vec<File>,
    pub(crate) skipped: Vec<SkippedFile>,
}

impl Collector {
    /// Keeps up to `output_bytes` of each stream.
    pub(crate) fn new(output_bytes: u64) -> Self {
        Self {
            decoder: Decoder::default(),
            stdout: StreamCollector::new(output_bytes),
            stderr: StreamCollector::new(output_bytes),
            files: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Takes the next bytes from the runner.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next event in what has been taken so far.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event<'_>>, MalformedFrame> {
        while let Some(frame) = self.decoder.next_frame()? {
            match frame {
                Frame::Ready => return Ok(Some(Event::Ready)),
                Frame::Started => return Ok(Some(Event::Started)),
                Frame::Output(stream, bytes) => {
                    return Ok(Some(Event::Wrote(stream, self.stream(stream).push(&bytes))));
                }
                Frame::Cut(stream) => self.stream(stream).cut = true,
                Frame::Tail(stream, total, bytes) => {
                    let stream = self.stream(stream);
                    stream.tail = bytes;
                    stream.total = Some(total);
                }
                Frame::File(path, content) => self.files.push(File { path, content }),
                Frame::Skipped(path, reason) => self.skipped.push(SkippedFile { path, reason }),
                Frame::Ended(ending, ran) => return Ok(Some(Event::Ended(status(ending), ran))),
                Frame::Done => return Ok(Some(Event::Done)),
                Frame::Failed(reason) => return Ok(Some(Event::Failed(reason))),
            }
        }
        Ok(None)
    }

    fn stream(&mut self, stream: Stream) -> &mut StreamCollector {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Everything that has come.
    pub(crate) fn finish(self) -> Collected {
        Collected {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            files: self.files,
            skipped: self.skipped,
        }
    }
}

fn status(ending: Ending) -> Status {
    match ending {
        Ending::Exited(code) => Status::Exited(code),
        Ending::Killed(signal) => Status::Killed(signal),
        Ending::TimedOut => Status::TimedOut,
        Ending::OutOfMemory => Status::OutOfMemory,
        Ending::OutOfDisk(code) => Status::OutOfDisk(code),
        Ending::OutOfProcesses => Status::OutOfProcesses,
        Ending::Cancelled => Status::Cancelled,
    }
}

#[derive(Debug)]
struct StreamCollector {
    bound: usize,
    /// The first bytes, up to the bound.
    bytes: Vec<u8>,
    /// Whether there is more than these.
    cut: bool,
    /// The last of what came after them.
    tail: Vec<u8>,
    /// All that the program wrote; unknown if its sandbox died before it said so.
    total: Option<u64>,
}

impl StreamCollector {
    fn new(bound: u64) -> Self {
        let bound = usize::try_from(bound).unwrap_or(usize::MAX);
        Self { bound, bytes: Vec::new(), cut: false, tail: Vec::new(), total: None }
    }

    /// Gives what is kept of these bytes.
    fn push(&mut self, bytes: &[u8]) -> &[u8] {
        let had = self.bytes.len();
        let room = self.bound.saturating_sub(had);
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        &self.bytes[had..]
    }

    fn finish(mut self) -> Capture {
        let came = (self.bytes.len() + self.tail.len()) as u64;
        if !self.cut {
            return Capture { length: came, bytes: self.bytes, cut: None };
        }
        // Half of the bound is head; the rest of it holds the last bytes there are.
        let head = (self.bound - self.bound / 2).min(self.bytes.len());
        let mut rest = self.bytes.split_off(head);
        rest.append(&mut self.tail);
        let kept = rest.split_off(rest.len().saturating_sub(self.bound / 2));
        self.bytes.extend(kept);
        let length = self.total.unwrap_or(came).max(self.bytes.len() as u64);
        Capture { bytes: self.bytes, length, cut: Some(head as u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::encode;
    use proptest::prelude::*;

    /// What happened, but for output, what was told of standard output, and what was kept.
    fn follow(bound: u64, frames: &[Frame]) -> (Vec<String>, Vec<u8>, Collected) {
        let mut collector = Collector::new(bound);
        let (mut events, mut told) = (vec![], vec![]);
        for frame in frames {
            collector.push(&encode(frame));
            while let Some(event) = collector.next_event().expect("frames") {
                match event {
                    Event::Wrote(Stream::Stdout, bytes) => told.extend(bytes),
                    Event::Wrote(Stream::Stderr, _) => {}
                    event => events.push(format!("{event:?}")),
                }
            }
        }
        (events, told, collector.finish())
    }

    fn collect(bound: u64, frames: &[Frame]) -> Collected {
        follow(bound, frames).2
    }

    fn stdout(bytes: &[u8]) -> Frame {
        Frame::Output(Stream::Stdout, bytes.to_vec())
    }

    #[test]
    fn a_run_is_gathered() {
        let (events, told, collected) = follow(
            100,
            &[
                Frame::Ready,
                Frame::Started,
                stdout(b"a"),
                Frame::Output(Stream::Stderr, b"e".to_vec()),
                stdout(b"b"),
                Frame::File("f".into(), b"x".to_vec()),
                Frame::Skipped("l".into(), "is a symbolic link".into()),
                Frame::Ended(Ending::Exited(3), Duration::from_secs(1)),
            ],
        );
        let ended = Event::Ended(Status::Exited(3), Duration::from_secs(1));
        assert_eq!(events, [Event::Ready, Event::Started, ended].map(|event| format!("{event:?}")));
        assert_eq!(told, b"ab");
        assert_eq!(collected.stdout, Capture { bytes: b"ab".to_vec(), length: 2, cut: None });
        assert_eq!(collected.stderr.bytes, b"e");
        assert_eq!(collected.files, [File { path: "f".into(), content: b"x".to_vec() }]);
        assert_eq!(collected.skipped.len(), 1);
    }

    #[test]
    fn a_cut_stream_keeps_its_first_and_its_last_bytes() {
        for (held, total, tail) in [(&b"g"[..], 7, &b"efg"[..]), (b"ghi", 9, b"ghi"), (b"xyz", 1000, b"xyz")] {
            let collected = collect(
                6,
                &[stdout(b"abcdef"), Frame::Cut(Stream::Stdout), Frame::Tail(Stream::Stdout, total, held.to_vec())],
            );
            let expected = Capture { bytes: [b"abc", tail].concat(), length: total, cut: Some(3) };
            assert_eq!(collected.stdout, expected);
        }
    }

    #[test]
    fn a_cut_stream_whose_sandbox_died_is_still_marked() {
        let collected = collect(4, &[stdout(b"abcd"), Frame::Cut(Stream::Stdout)]);
        assert_eq!(collected.stdout, Capture { bytes: b"abcd".to_vec(), length: 4, cut: Some(2) });
    }

    #[test]
    fn more_than_the_bound_is_never_kept() {
        let (_, told, collected) = follow(4, &[stdout(b"abc"), stdout(b"defgh")]);
        assert_eq!((told, collected.stdout.bytes.len()), (b"abcd".to_vec(), 4));
        assert!(collected.stdout.cut.is_some());
    }

    proptest! {
        #[test]
        fn head_and_tail_of_what_was_written_are_kept(
            all in prop::collection::vec(any::<u8>(), 0..99), bound in 1_usize..64, size in 1_usize..20,
        ) {
            // As the runner passes it on.
            let (now, held) = all.split_at(all.len().min(bound));
            let mut frames: Vec<_> = now.chunks(size).map(stdout).collect();
            if !held.is_empty() {
                let last = held[held.len().saturating_sub(bound / 2)..].to_vec();
                frames.extend([Frame::Cut(Stream::Stdout), Frame::Tail(Stream::Stdout, all.len() as u64, last)]);
            }
            let (_, told, collected) = follow(bound as u64, &frames);
            let Capture { bytes, length, cut } = collected.stdout;
            prop_assert_eq!((told.as_slice(), length), (now, all.len() as u64));
            match cut {
                None => prop_assert_eq!(bytes, all),
                Some(head) => {
                    let (head, tail) = bytes.split_at(usize::try_from(head).expect("small"));
                    prop_assert_eq!((head.len() + tail.len(), head.len() - tail.len()), (bound, bound % 2));
                    prop_assert!(all.len() > bound && all.starts_with(head) && all.ends_with(tail));
                }
            }
        }
    }
}
