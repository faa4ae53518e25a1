//! The transport over standard input and output, with the client that started this process.

use super::{handler::Handler, line_transport::LineTransport, session_tools::SessionLife};
use crate::{
    config::{ServeConfig, ServerConfig},
    setup_error::SetupError,
    state::AppState,
};
use cofferdam_core::Runtime;
use rmcp::{ServiceExt, transport::stdio_pipes};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a client may take to read the last responses.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the client on standard input and output until the client closes its end or `stop` is set. Then all
/// executions are cancelled, and have ended when this returns.
///
/// # Errors
///
/// [`SetupError`] for an invalid setting.
pub async fn serve_stdio(
    config: &ServerConfig,
    runtime: Runtime,
    stop: CancellationToken,
) -> Result<(), SetupError> {
    // The parent process needs no token, and is not one of the tenants, which call over a socket.
    let serve = ServeConfig { token_file: None, ..config.serve.clone() };
    let config = ServerConfig { serve, tenants: BTreeMap::new(), mcp: config.mcp.clone() };
    let server = Arc::new(AppState::new(&config, runtime)?);
    let disconnected = stop.child_token();
    let (stdin, stdout) = stdio_pipes();
    let (transport, writer) = LineTransport::new(stdin, stdout, server.config.body_limit.0, disconnected);
    // Without a token file there is one tenant.
    if let Some(tenant) = server.tenants.authenticate(None) {
        let handler = Handler::new(server.clone(), tenant.clone(), SessionLife::Process);
        match handler.serve_with_ct(transport, stop).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::info!(%error, "the client disconnected before it initialized the session"),
        }
    }
    server.tasks.close();
    server.registry.cancel_all();
    server.tasks.wait().await;
    let _ = timeout(LAST_WRITE_TIMEOUT, writer).await;
    Ok(())
}
