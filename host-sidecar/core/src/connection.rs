//! The connection to the runner of a sandbox: messages go in, frames come out, and every wait has a limit.

mod write;

use crate::{
    execution_state::{ExecutionState, SandboxEnd},
    inputs::ProgramMessages,
};
use cofferdam_protocol::{Frame, FrameDecoder, Message, Preparation, encode_message};
use std::{future::Future, io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Notify,
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use write::{Written, write_program};

/// Time that a prewarmed sandbox has to answer.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes of one read.
const CHUNK: usize = 128 << 10;
/// Longest frame of an idle runner: why it failed.
const MAX_IDLE_PAYLOAD: u64 = 4 << 10;

/// What an execution needs of its sandbox beside the connection.
pub trait ExecutionMonitor: Send {
    /// Applies the limit on processors while the program runs, and lifts it for the rest.
    fn limit_cpu(&mut self, is_running: bool) -> impl Future<Output = io::Result<()>> + Send;

    /// Set when the sandbox exceeds its memory and the kernel does not enforce that.
    fn memory_exceeded(&self) -> CancellationToken;
}

/// A connection to a runner.
#[derive(Debug)]
pub struct RunnerConnection<R, W> {
    reader: R,
    /// Closing it tells the runner to stop.
    writer: Option<W>,
    /// Set to close the writer, also while it is written to.
    closed: CancellationToken,
}

impl<R, W> RunnerConnection<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    /// A connection over these streams.
    pub fn new(reader: R, writer: W) -> Self {
        Self { reader, writer: Some(writer), closed: CancellationToken::new() }
    }

    /// Closes the side that is written to, which tells the runner to stop.
    pub fn close(&mut self) {
        self.closed.cancel();
        self.writer = None;
    }

    /// Whether [`Self::close`] was called, or an execution was cancelled.
    #[must_use]
    pub fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// Has the runner do what is possible before there is a program.
    ///
    /// # Errors
    ///
    /// The runner refused, or the connection broke.
    pub async fn prepare(&mut self, preparation: Preparation) -> io::Result<()> {
        // The runner reports that it is ready once when it starts, and once after each message.
        self.request(&Message::Prepare(preparation), 2).await
    }

    /// Whether the runner answers.
    pub async fn ping(&mut self) -> bool {
        matches!(timeout(PING_TIMEOUT, self.request(&Message::Ping, 1)).await, Ok(Ok(())))
    }

    /// Sends a message and waits for so many reports that the runner is ready.
    async fn request(&mut self, message: &Message, ready_frames: usize) -> io::Result<()> {
        let message = encode_message(message).map_err(io::Error::other)?;
        let writer = self.writer.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writer.write_all(&message).await?;
        let (mut response, mut chunk) = (ReadyFrames::new(ready_frames), [0; 4096]);
        loop {
            let length = self.reader.read(&mut chunk).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if response.push(&chunk[..length])? {
                return Ok(());
            }
        }
    }

    /// Sends the program and reads what comes of it until the runner is done, the connection ends or a
    /// deadline passes.
    pub async fn execute(
        &mut self,
        messages: ProgramMessages,
        state: &mut ExecutionState<'_>,
        monitor: &mut impl ExecutionMonitor,
    ) -> SandboxEnd {
        let cancelled = state.cancelled().clone();
        let memory_exceeded = monitor.memory_exceeded();
        let mut chunk = vec![0; CHUNK];
        let (ready, closed) = (Notify::new(), self.closed.clone());
        let mut writing = pin!(write_program(self.writer.take(), messages, &ready, &closed));
        // The writer stays open: its end tells the runner to stop.
        let (mut is_written, mut writer) = (false, None);
        loop {
            if state.is_ready() {
                ready.notify_one();
            }
            if let Err(error) = monitor.limit_cpu(state.is_running()).await {
                return SandboxEnd::Failed(format!("limit the processors: {error}"));
            }
            let read = tokio::select! {
                read = self.reader.read(&mut chunk) => read,
                () = sleep_until(state.end_of_wall_time()), if state.is_running() => continue,
                written = &mut writing, if !is_written => {
                    is_written = true;
                    match written {
                        Written::Whole(open, time) => {
                            writer = Some(open);
                            state.files_sent(time);
                        }
                        Written::Closed => {}
                        Written::Failed(error) => return SandboxEnd::FilesFailed(error),
                    }
                    continue;
                }
                () = closed.cancelled(), if writer.is_some() => {
                    writer = None;
                    continue;
                }
                () = sleep_until(state.deadline()) => return SandboxEnd::TimedOut,
                () = memory_exceeded.cancelled() => return SandboxEnd::MemoryExceeded,
                () = cancelled.cancelled(), if !self.closed.is_cancelled() => {
                    self.closed.cancel();
                    state.cap_deadline();
                    continue;
                }
            };
            match read {
                Ok(0) | Err(_) => return SandboxEnd::Disconnected,
                Ok(length) => {
                    if let Some(end) = state.push(&chunk[..length]) {
                        return end;
                    }
                }
            }
        }
    }
}

/// Counts the reports of an idle runner that it is ready for its next message.
#[derive(Debug)]
pub struct ReadyFrames {
    decoder: FrameDecoder,
    remaining: usize,
}

impl ReadyFrames {
    /// Waits for so many of them.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { decoder: FrameDecoder::with_max_payload(MAX_IDLE_PAYLOAD), remaining: count }
    }

    /// Takes the next bytes of the runner; gives whether all reports have arrived.
    ///
    /// # Errors
    ///
    /// The runner failed, or sent anything else.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame().map_err(io::Error::other)? {
            match (frame, self.remaining) {
                (Frame::Ready, 1..) => self.remaining -= 1,
                (Frame::Failed(reason), _) => return Err(io::Error::other(reason)),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        match (self.remaining, self.decoder.is_empty()) {
            (0, false) => Err(io::ErrorKind::InvalidData.into()),
            (remaining, _) => Ok(remaining == 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::encode;

    #[test]
    fn ready_frames_are_counted_however_they_are_split() {
        let bytes = [encode(&Frame::Ready), encode(&Frame::Ready)].concat();
        let (last, others) = bytes.split_last().expect("bytes");
        let mut response = ReadyFrames::new(2);
        for byte in others {
            assert!(!response.push(&[*byte]).expect("no error"));
        }
        assert!(response.push(&[*last]).expect("no error"));
    }

    #[test]
    fn anything_but_ready_frames_is_an_error() {
        let too_often = [encode(&Frame::Ready), encode(&Frame::Ready)].concat();
        let and_more = [encode(&Frame::Ready), vec![1]].concat();
        for bytes in [
            encode(&Frame::Started),
            encode(&Frame::Failed("no".into())),
            vec![0xff; 64],
            too_often,
            and_more,
        ] {
            assert!(ReadyFrames::new(1).push(&bytes).is_err(), "{bytes:?}");
        }
    }
}
