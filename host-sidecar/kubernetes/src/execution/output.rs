//! The output of a container over one connection: attached, or from the log.

use super::attach::Attachment;
use crate::watch::{ObservedPod, Subscription};
use cofferdam_core::execution_state::SandboxEnd as End;
use futures_util::{AsyncRead, AsyncReadExt};
use std::{future::pending, io, pin::Pin};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Bytes that are read at once.
const BUFFER_SIZE: usize = 128 << 10;

pub(super) struct Output {
    source: Source,
    buffer: Vec<u8>,
}

enum Source {
    Attached(Attachment),
    Log(Pin<Box<dyn AsyncRead + Send>>),
}

/// Why reading a connection stopped.
pub(super) enum Stop {
    /// The execution has ended.
    End(End),
    /// The log is at its end.
    Closed,
    /// The connection is open and idle.
    Idle,
    /// The connection failed, or is not to be trusted.
    Broken,
}

/// What happened while the output was awaited.
pub(super) enum Signal {
    /// The output, with its length.
    Read(io::Result<usize>),
    PodChanged,
    Cancelled,
    WatchDue,
    Idle,
    DeadlineReached,
}

impl Output {
    pub(super) fn attached(attachment: Attachment) -> Self {
        Self { source: Source::Attached(attachment), buffer: vec![0; BUFFER_SIZE] }
    }

    pub(super) fn log(log: impl AsyncRead + Send + 'static) -> Self {
        Self { source: Source::Log(Box::pin(log)), buffer: vec![0; BUFFER_SIZE] }
    }

    pub(super) fn is_attached(&self) -> bool {
        matches!(self.source, Source::Attached(_))
    }

    /// The first bytes of what was read last.
    pub(super) fn bytes(&self, length: usize) -> &[u8] {
        &self.buffer[..length]
    }

    /// Reads, and returns the first thing that happens.
    pub(super) async fn next_signal(
        &mut self,
        pods: &mut Subscription<ObservedPod>,
        cancelled: Option<&CancellationToken>,
        deadline: Instant,
        idle_at: Option<Instant>,
        watch_at: Option<Instant>,
    ) -> Signal {
        tokio::select! {
            read = self.read() => Signal::Read(read),
            () = pods.changed() => Signal::PodChanged,
            () = until_cancelled(cancelled) => Signal::Cancelled,
            () = until(watch_at) => Signal::WatchDue,
            () = until(idle_at) => Signal::Idle,
            () = sleep_until(deadline) => Signal::DeadlineReached,
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        match &mut self.source {
            Source::Attached(attachment) => attachment.read(&mut self.buffer).await,
            Source::Log(log) => log.read(&mut self.buffer).await,
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

async fn until_cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => pending().await,
    }
}
