//! Assembles the frames of one execution into what is reported of it, and holds them to the protocol and to the limits of
//! the plan: a runner that was taken over can send anything. Pure.

mod files;
mod stream;

use crate::policy::Limits;
use cofferdam_protocol::{Frame, FrameDecoder, MalformedFrame, Stream, Termination};
use cofferdam_types::{Capture, File, SkippedFile, Status};
use files::FileCollector;
use std::time::Duration;
use stream::StreamCollector;

/// Longest frame of output or of a failure: a runner passes on what one read of a pipe gives.
const MAX_PIECE: u64 = 64 << 10;
/// Longest account of a failure.
const MAX_REASON: usize = 4 << 10;

/// Gathers the frames of one run.
#[derive(Debug)]
pub struct Collector {
    decoder: FrameDecoder,
    stage: Stage,
    stdout: StreamCollector,
    stderr: StreamCollector,
    files: FileCollector,
}

/// How far the frames have come. Each stage allows only some frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Created,
    Ready,
    Running,
    Ended,
    Over,
}

/// The runner has sent what no runner sends, and what that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runner broke the protocol: {0}")]
pub struct Corrupt(&'static str);

impl From<MalformedFrame> for Corrupt {
    fn from(_: MalformedFrame) -> Self {
        Self("its output is not made of frames, or one is longer than the limits allow")
    }
}

/// What the caller of [`Collector::next_event`] has to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
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
pub struct Collected {
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
    /// The files that match a pattern, sorted by path.
    pub files: Vec<File>,
    /// The files that match a pattern and could not be collected.
    pub skipped: Vec<SkippedFile>,
}

impl Collector {
    /// Takes no more than these limits allow, and no files but those that a pattern of `collect` names. Of a sandbox that
    /// was waiting, the runner has said already that it is ready.
    pub fn new(limits: &Limits, collect: &[String], was_waiting: bool) -> Self {
        let files = FileCollector::new(limits, collect);
        let tail = limits.output_bytes / 2 + 8;
        Self {
            decoder: FrameDecoder::with_max_payload(MAX_PIECE.max(tail).max(files.max_payload())),
            stage: if was_waiting { Stage::Ready } else { Stage::Created },
            stdout: StreamCollector::new(limits.output_bytes),
            stderr: StreamCollector::new(limits.output_bytes),
            files,
        }
    }

    /// Takes the next bytes from the runner.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next event in what has been taken so far. After an error nothing more is to be believed.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Corrupt> {
        while let Some(frame) = self.decoder.next_frame()? {
            self.stage =
                self.stage.after(&frame).ok_or(Corrupt("a frame comes twice, out of order or after the last"))?;
            if self.stage == Stage::Over && !self.decoder.is_empty() {
                return Err(Corrupt("something follows the last frame"));
            }
            match frame {
                Frame::Ready => return Ok(Some(Event::Ready)),
                Frame::Started => return Ok(Some(Event::Started)),
                Frame::Output(stream, bytes) => {
                    return Ok(Some(Event::Wrote(stream, self.stream(stream).output(&bytes)?)));
                }
                Frame::Truncated(stream) => self.stream(stream).cut()?,
                Frame::Tail(stream, total, bytes) => self.stream(stream).tail(total, bytes)?,
                Frame::File(path, content) => self.files.file(path, content)?,
                Frame::Skipped(path, reason) => self.files.skipped(path, reason)?,
                Frame::Terminated(ending, ran) => return Ok(Some(Event::Ended(status(ending), ran))),
                Frame::Done => return Ok(Some(Event::Done)),
                Frame::Failed(reason) if reason.len() > MAX_REASON => {
                    return Err(Corrupt("a failure is told at length"));
                }
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
    pub fn finish(self) -> Collected {
        Collected {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            files: self.files.files,
            skipped: self.files.skipped,
        }
    }
}

impl Stage {
    /// The stage after a frame; none where the frame may not come.
    fn after(self, frame: &Frame) -> Option<Self> {
        match (self, frame) {
            (Self::Created, Frame::Ready) => Some(Self::Ready),
            (Self::Ready, Frame::Started) => Some(Self::Running),
            (Self::Running, Frame::Output(..) | Frame::Truncated(_) | Frame::Tail(..)) => Some(Self::Running),
            (Self::Running, Frame::Terminated(..)) => Some(Self::Ended),
            (Self::Ended, Frame::File(..) | Frame::Skipped(..)) => Some(Self::Ended),
            (Self::Ended, Frame::Done) => Some(Self::Over),
            (Self::Created | Self::Ready | Self::Running | Self::Ended, Frame::Failed(_)) => Some(Self::Over),
            _ => None,
        }
    }
}

fn status(ending: Termination) -> Status {
    match ending {
        Termination::Exited(code) => Status::Exited(code),
        Termination::Killed(signal) => Status::Killed(signal),
        Termination::TimedOut => Status::TimedOut,
        Termination::OutOfMemory => Status::OutOfMemory,
        Termination::OutOfDisk(code) => Status::OutOfDisk(code),
        Termination::OutOfProcesses => Status::OutOfProcesses,
        Termination::Cancelled => Status::Cancelled,
    }
}

#[cfg(test)]
mod tests;
