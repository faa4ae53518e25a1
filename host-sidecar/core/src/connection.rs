//! The connection to the runner of a sandbox: messages go in, frames come out, and every wait has a limit.

mod idle_request;
mod write;

pub use idle_request::IdleRequest;
pub(crate) use idle_request::hello;

use crate::{
    execution_state::{ExecutionState, SandboxEnd},
    inputs::ProgramMessages,
};
use cofferdam_protocol::Preparation;
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
        self.request(IdleRequest::prepare(preparation)?).await
    }

    /// Whether the runner answers.
    pub async fn ping(&mut self) -> bool {
        let ping = async { self.request(IdleRequest::ping()?).await };
        matches!(timeout(PING_TIMEOUT, ping).await, Ok(Ok(())))
    }

    /// Sends a message and waits for its answer.
    async fn request(&mut self, mut request: IdleRequest) -> io::Result<()> {
        let writer = self.writer.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writer.write_all(request.message()).await?;
        let mut chunk = [0; 4096];
        loop {
            let length = self.reader.read(&mut chunk).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if request.answer(&chunk[..length])? {
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
