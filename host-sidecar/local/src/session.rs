//! The sandbox of a session, which lives as long as this process keeps it.

use crate::container::Container;
use cofferdam_core::{
    BoxFuture, SessionReader, SessionSandbox, SessionWriter,
    connection::{ExecutionMonitor, RunnerConnection},
    session::LostReason,
};
use cofferdam_types::Error;
use std::fmt;
use tokio::{
    process::{ChildStdin, ChildStdout},
    task::spawn_blocking,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The sandbox of a session. When it is dropped, its files are removed; its runner stops when its input is closed.
pub(crate) struct LocalSession {
    container: Container,
    streams: Option<(ChildStdout, ChildStdin)>,
    _stops_kill: DropGuard,
}

/// The id alone, which is what a log needs.
impl fmt::Debug for LocalSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.container.id())
    }
}

impl LocalSession {
    /// Makes one of a sandbox that has executed nothing.
    pub(crate) fn new(container: Container, connection: RunnerConnection<ChildStdout, ChildStdin>) -> Self {
        let done = CancellationToken::new();
        kill_above_memory(&container, done.clone());
        Self { container, streams: connection.into_streams(), _stops_kill: done.drop_guard() }
    }
}

impl SessionSandbox for LocalSession {
    fn connect(&mut self) -> BoxFuture<'_, Result<(SessionReader, SessionWriter), Error>> {
        Box::pin(async {
            let (reader, writer) = self.streams.take().ok_or_else(|| {
                Error::internal("the session's sandbox has no connection", "it was connected twice")
            })?;
            Ok((Box::new(reader) as SessionReader, Box::new(writer) as SessionWriter))
        })
    }

    fn loss(&mut self) -> BoxFuture<'_, LostReason> {
        Box::pin(async {
            let monitor = &self.container.monitor;
            if monitor.exceeded_memory() || monitor.was_out_of_memory().await {
                LostReason::OutOfMemory
            } else {
                LostReason::RunnerGone
            }
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self { container, streams, .. } = *self;
        drop(streams);
        Box::pin(container.delete())
    }
}

/// Kills all processes of a container that exceeds its memory, where the kernel does not. The end of its runner's
/// output tells its session.
fn kill_above_memory(container: &Container, done: CancellationToken) {
    let (exceeded, processes) = (container.monitor.memory_exceeded(), container.processes());
    tokio::spawn(async move {
        tokio::select! {
            () = exceeded.cancelled() => {
                let _ = spawn_blocking(move || processes.map(|processes| processes.kill_descendants())).await;
            }
            () = done.cancelled() => {}
        }
    });
}
