//! Standard input and output: one client, which has started this process.

use super::{handler::Handler, lines::Lines};
use crate::{
    SetupError,
    config::{ServeConfig, ServerConfig},
    server::Server,
};
use cofferdam_core::Runtime;
use rmcp::{ServiceExt, transport::stdio_pipes};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a client may take to read the last answers.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves the client at the other end of standard input and output, until it closes its end or `stop` is set. Its runs end with
/// it, and are over when this returns.
///
/// # Errors
///
/// [`SetupError`] for a setting that is wrong.
pub async fn serve_stdio(config: &ServerConfig, runtime: Runtime, stop: CancellationToken) -> Result<(), SetupError> {
    // Whoever starts a process needs no token of it, and is none of the tenants that callers of a socket may be.
    let serve = ServeConfig { token_file: None, ..config.serve.clone() };
    let config = ServerConfig { serve, tenants: BTreeMap::new(), mcp: config.mcp.clone() };
    let server = Arc::new(Server::new(&config, runtime)?);
    let gone = stop.child_token();
    let (stdin, stdout) = stdio_pipes();
    let (lines, writer) = Lines::new(stdin, stdout, server.bounds.body_limit.0, gone);
    // Without tokens there is one tenant.
    if let Some(tenant) = server.tenants.of(None) {
        let handler = Handler::new(server.clone(), tenant.clone());
        match handler.serve_with_ct(lines, stop).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::info!(%error, "the client left before it had begun"),
        }
    }
    server.tasks.close();
    server.registry.cancel_all();
    server.tasks.wait().await;
    // A client that does not read keeps nobody waiting.
    let _ = timeout(FAREWELL, writer).await;
    Ok(())
}
