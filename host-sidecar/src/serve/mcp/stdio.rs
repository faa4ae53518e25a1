//! Standard input and output: one client, which has started this process.

use super::handler::Handler;
use crate::{
    Sidecar,
    config::{Serve, Settings},
    serve::{SetupError, server::Server},
};
use rmcp::{
    ServiceExt,
    transport::{async_rw::AsyncRwTransport, stdio_pipes},
};
use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Serves the client at the other end of standard input and output, until it closes its end or `stop` is set. Its runs end with
/// it, and are over when this returns.
///
/// # Errors
///
/// [`SetupError`] for a setting that is wrong.
pub async fn serve_stdio(settings: &Settings, sidecar: Sidecar, stop: CancellationToken) -> Result<(), SetupError> {
    // Whoever starts a process needs no token of it, and is none of the tenants that callers of a socket may be.
    let serve = Serve { token_file: None, ..settings.serve.clone() };
    let settings = Settings { serve, tenants: BTreeMap::new(), ..settings.clone() };
    let server = Arc::new(Server::new(&settings, sidecar)?);
    let gone = stop.child_token();
    let (stdin, stdout) = stdio_pipes();
    let most = usize::try_from(server.bounds.body_limit.0).unwrap_or(usize::MAX);
    let transport = AsyncRwTransport::new_server(Watched { inner: stdin, gone: gone.clone() }, stdout);
    // Without tokens there is one tenant.
    if let Some(tenant) = server.tenants.of(None) {
        let handler = Handler::new(server.clone(), tenant.clone(), gone);
        match handler.serve_with_ct(transport.with_max_line_length(most), stop).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::info!(%error, "the client left before it had begun"),
        }
    }
    server.tasks.close();
    server.registry.cancel_all();
    server.tasks.wait().await;
    Ok(())
}

/// A reader whose end is that of the client.
struct Watched<R> {
    inner: R,
    gone: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Poll::Ready(result) = &polled
            && (result.is_err() || buffer.filled().len() == before)
        {
            self.gone.cancel();
        }
        polled
    }
}
