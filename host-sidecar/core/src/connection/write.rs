//! Writes a program and its files to a runner.

use crate::inputs::{ProgramMessages, STALL_TIMEOUT};
use cofferdam_types::{Error, ErrorCode};
use std::time::Duration;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How the writing of a program ended.
pub(super) enum Written<W> {
    /// All of it was written. The transfer of the streamed files took this time.
    Whole(W, Duration),
    /// The connection is closed, or the runner is gone, which the end of its output shows.
    Closed,
    /// The streamed files failed.
    Failed(Error),
}

/// Writes the program and, once the sandbox is ready, its streamed files, unless the connection is closed.
pub(super) async fn write_program<W>(
    writer: Option<W>,
    messages: ProgramMessages,
    ready: &Notify,
    closed: &CancellationToken,
) -> Written<W>
where
    W: AsyncWrite + Unpin + Send,
{
    let Some(writer) = writer else { return Written::Closed };
    tokio::select! {
        written = write(writer, messages, ready) => written,
        () = closed.cancelled() => Written::Closed,
    }
}

async fn write<W>(mut writer: W, messages: ProgramMessages, ready: &Notify) -> Written<W>
where
    W: AsyncWrite + Unpin + Send,
{
    let ProgramMessages { program, transfer } = messages;
    if writer.write_all(&program).await.is_err() {
        return Written::Closed;
    }
    drop(program);
    let Some(mut transfer) = transfer else { return Written::Whole(writer, Duration::ZERO) };
    ready.notified().await;
    let begun = Instant::now();
    loop {
        let message = match transfer.next().await {
            Ok(Some(message)) => message,
            Ok(None) => return Written::Whole(writer, begun.elapsed()),
            Err(error) => return Written::Failed(error),
        };
        match timeout(STALL_TIMEOUT, writer.write_all(&message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Written::Closed,
            Err(_) => return Written::Failed(does_not_read()),
        }
    }
}

fn does_not_read() -> Error {
    let message = "the sandbox did not take its files, and the program did not start; send the request again";
    Error::new(ErrorCode::SandboxUnavailable, message).retryable()
}
