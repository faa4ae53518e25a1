//! Writes a program and its files to a runner.

use crate::inputs::{ProgramMessages, TransferError};
use cofferdam_types::Error;
use std::time::Duration;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Notify,
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
    let Some(transfer) = transfer else { return Written::Whole(writer, Duration::ZERO) };
    ready.notified().await;
    match transfer.write_to(&mut writer).await {
        Ok(time) => Written::Whole(writer, time),
        Err(TransferError::Closed) => Written::Closed,
        Err(TransferError::Failed(error)) => Written::Failed(error),
    }
}
