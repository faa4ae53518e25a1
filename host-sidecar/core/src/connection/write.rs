//! Writes a program to a runner.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// Writes the program, then keeps the stream open until the connection is closed: its end tells the runner to
/// stop.
pub(super) async fn write_program<W>(writer: Option<W>, program: Vec<u8>, closed: CancellationToken)
where
    W: AsyncWrite + Unpin + Send,
{
    let Some(mut writer) = writer else { return };
    let written = async {
        // A runner that is gone is noticed by the end of its output.
        let _ = writer.write_all(&program).await;
        drop(program);
        closed.cancelled().await;
    };
    tokio::select! {
        () = written => {}
        () = closed.cancelled() => {}
    }
}
