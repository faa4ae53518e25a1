//! Assembles the frames of one execution into its report, and checks them against the protocol and the limits
//! of the execution: a compromised runner can send anything. Pure.

mod corrupt;
mod files;
mod stream;

use crate::policy::Limits;
use cofferdam_protocol::{CONTROL, Decoder, EXECUTION, Frame, Incompatible, Stream, Termination};
use cofferdam_types::{Capture, File, SkippedFile, Status};
pub use corrupt::Corrupt;
use files::FileAssembler;
use std::time::Duration;
pub(crate) use stream::StreamAssembler;

/// Maximum bytes of a frame of output or of a failure. A frame of output contains what one read(2) from a
/// pipe returned.
pub(crate) const MAX_OUTPUT_FRAME: u64 = 64 << 10;
/// Maximum bytes of a number in a frame.
const MAX_NUMBER: usize = 10;
/// Maximum bytes of the reason of a failure.
pub(crate) const MAX_REASON: usize = 4 << 10;

/// Assembles the frames of one execution.
#[derive(Debug)]
pub(crate) struct OutputAssembler {
    decoder: Decoder<Frame>,
    stage: Stage,
    stdout: StreamAssembler,
    stderr: StreamAssembler,
    files: FileAssembler,
}

/// The stage of an execution. It determines which frames may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Created,
    Ready,
    Running,
    Ended,
    Done,
}

/// An event in the frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The sandbox is isolated, and the runner is ready.
    Ready,
    /// The program started.
    Started,
    /// The program wrote these bytes, as far as they are within the limit.
    Output(Stream, &'a [u8]),
    /// The program ended after this time; its files follow.
    Ended(Status, Duration),
    /// The last frame.
    Done,
    /// The runner could not start or supervise the program, for this reason. The last frame.
    Failed(String),
}

/// The output and the files of a program.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// Standard output.
    pub(crate) stdout: Capture,
    /// Standard error.
    pub(crate) stderr: Capture,
    /// The files that match a pattern, sorted by path.
    pub(crate) files: Vec<File>,
    /// The files that match a pattern and could not be collected.
    pub(crate) skipped: Vec<SkippedFile>,
}

impl OutputAssembler {
    /// Accepts no more than these limits allow, and only files that match a pattern of `collect`. The first frame
    /// of a prewarmed sandbox's runner has arrived before.
    #[must_use]
    pub(crate) fn new(limits: &Limits, collect: &[String], is_warm: bool) -> Self {
        let files = FileAssembler::new(limits, collect);
        let tail = limits.output_bytes / 2 + 2 * MAX_NUMBER as u64;
        Self {
            decoder: Decoder::with_max_body(MAX_OUTPUT_FRAME.max(tail).max(files.max_body())),
            stage: if is_warm { Stage::Ready } else { Stage::Created },
            stdout: StreamAssembler::new(limits.output_bytes),
            stderr: StreamAssembler::new(limits.output_bytes),
            files,
        }
    }

    /// Takes the next bytes from the runner.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next event in the bytes so far.
    ///
    /// # Errors
    ///
    /// The runner violated the protocol: nothing that it has sent may be used.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event<'_>>, Corrupt> {
        while let Some((channel, frame)) = self.decoder.next()? {
            let stage = self.stage.after(channel, &frame);
            self.stage = stage.ok_or(Corrupt(
                "it sent a frame twice, out of order, on a wrong channel or after the last one",
            ))?;
            if self.stage == Stage::Done && !self.decoder.is_empty() {
                return Err(Corrupt("it sent bytes after the last frame"));
            }
            match frame {
                Frame::Hello(hello) => {
                    let failed = |incompatible: Incompatible| Event::Failed(incompatible.to_string());
                    return Ok(Some(hello.check().map_or_else(failed, |()| Event::Ready)));
                }
                // No stage allows these: the answer of an idle runner, and what only sessions have.
                Frame::Ready
                | Frame::Process(_)
                | Frame::Credit(_)
                | Frame::Background(_)
                | Frame::Usage(_)
                | Frame::SessionEnded(_) => {}
                Frame::Started => return Ok(Some(Event::Started)),
                Frame::Output(stream, bytes) => {
                    return Ok(Some(Event::Output(stream, self.stream(stream).output(&bytes)?)));
                }
                Frame::Truncated(stream) => self.stream(stream).truncate()?,
                Frame::Tail(stream, total, bytes) => self.stream(stream).tail(total, bytes)?,
                Frame::File(path, mode, content) => self.files.file(path, mode, content)?,
                Frame::Skipped(path, reason) => self.files.skipped(path, reason)?,
                Frame::Terminated(termination, duration) => {
                    return Ok(Some(Event::Ended(status(termination), duration)));
                }
                Frame::Done => return Ok(Some(Event::Done)),
                Frame::Failed(reason) if reason.len() > MAX_REASON => {
                    return Err(Corrupt("the reason of its failure is too long"));
                }
                Frame::Failed(reason) => return Ok(Some(Event::Failed(reason))),
            }
        }
        Ok(None)
    }

    fn stream(&mut self, stream: Stream) -> &mut StreamAssembler {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// The output and the files so far.
    #[must_use]
    pub(crate) fn finish(self) -> Assembled {
        Assembled {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            files: self.files.files,
            skipped: self.files.skipped,
        }
    }
}

impl Stage {
    /// The stage after a frame; none if the frame is not allowed on this channel.
    fn after(self, channel: u32, frame: &Frame) -> Option<Self> {
        match channel {
            CONTROL => self.after_control(frame),
            EXECUTION => self.after_execution(frame),
            _ => None,
        }
    }

    fn after_control(self, frame: &Frame) -> Option<Self> {
        match (self, frame) {
            (Self::Created, Frame::Hello(_)) => Some(Self::Ready),
            // The runner has no execution yet.
            (Self::Created | Self::Ready, Frame::Failed(_)) => Some(Self::Done),
            _ => None,
        }
    }

    fn after_execution(self, frame: &Frame) -> Option<Self> {
        match (self, frame) {
            (Self::Ready, Frame::Started) => Some(Self::Running),
            (Self::Running, Frame::Output(..) | Frame::Truncated(_) | Frame::Tail(..)) => Some(Self::Running),
            (Self::Running, Frame::Terminated(..)) => Some(Self::Ended),
            (Self::Ended, Frame::File(..) | Frame::Skipped(..)) => Some(Self::Ended),
            (Self::Ended, Frame::Done) => Some(Self::Done),
            (Self::Ready | Self::Running | Self::Ended, Frame::Failed(_)) => Some(Self::Done),
            _ => None,
        }
    }
}

/// What the runner reports, as the status of a report.
pub(crate) fn status(termination: Termination) -> Status {
    match termination {
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
