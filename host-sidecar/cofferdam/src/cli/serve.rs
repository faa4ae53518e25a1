//! `cofferdam serve`: the sidecar, over HTTP.

use super::{
    Failure, load, log,
    options::{LimitArgs, SandboxArgs},
    print_error, pull_progress,
    sanitize::sanitize,
    signals::EndSignals,
};
use crate::config::{BackendKind, Overrides, Settings};
use cofferdam_server::{Listen, Service, telemetry};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  cofferdam serve
  cofferdam serve --listen 127.0.0.1:8787
  cofferdam serve --listen unix:/run/agent/cofferdam.sock --listen 127.0.0.1:8787
  cofferdam serve --listen 0.0.0.0:8787 --token-file tokens --tls-cert cert.pem --tls-key key.pem

  curl -d '{\"code\": \"print(6*7)\"}' -H 'Content-Type: application/json' \\
    http://127.0.0.1:8787/v1/executions

MCP clients find execute_code and the tools for sessions at /mcp. The options of limits set the defaults of requests.

The token file has a line `TENANT TOKEN` for each token, or one token alone. Only its owner and group
may have access to it. The settings of the tables `serve` and `tenants` limit the sidecar and its
tenants. At SIGTERM, executions get 10 s (serve.grace_seconds) to end.";

/// Serves the HTTP API.
#[derive(Debug, clap::Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    #[serde(rename = "serve")]
    sockets: SocketArgs,
    #[command(flatten)]
    #[serde(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    #[serde(flatten)]
    sandbox: SandboxArgs,
    /// Shut down when stdin reaches EOF, such as when the parent process exits
    #[arg(long)]
    #[serde(skip)]
    until_stdin_ends: bool,
}

/// The sockets and their credentials.
#[derive(Debug, clap::Args, Serialize)]
struct SocketArgs {
    /// Socket to listen on; may be repeated [default: unix:$XDG_RUNTIME_DIR/cofferdam.sock, for root
    /// unix:/run/cofferdam/cofferdam.sock]
    #[arg(long, value_name = "unix:PATH|IP:PORT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listen: Vec<Listen>,
    /// File of tokens; each request needs one of them
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
    /// Certificate chain in PEM, for TLS on TCP sockets
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
}

impl Overrides for ServeArgs {
    fn config(&self) -> Option<&Path> {
        self.sandbox.config()
    }
}

pub(super) fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let settings = load(args)?;
    let policy = settings.policy()?;
    pull_progress::pull_images(&settings, policy.languages.values())?;
    let sandboxes = settings.pooled_runtime_with(policy)?;
    let service = Service::new(&settings.server()?, sandboxes.clone())?;
    let signals = EndSignals::install()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let collector = telemetry::provider(settings.serve.otlp_endpoint.as_deref(), runtime.handle());
    let collector = collector.map_err(|error| format!("the collector of spans cannot be used: {error}"))?;
    log::start("cofferdam=info", collector.as_ref());
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(signals.cancel_on_first(stop.clone())?);
        if args.until_stdin_ends {
            cancel_at_end_of_stdin(stop.clone());
        }
        collect_garbage(&settings);
        let addresses: Vec<_> = service.addresses().collect();
        let serving = service.run(stop);
        for address in addresses {
            writeln!(io::stderr(), "listening on {}", sanitize(&address))?;
        }
        serving.await;
        sandboxes.drain().await;
        Ok(ExitCode::SUCCESS)
    });
    // Sends the remaining spans. A collector that cannot be reached has had its warning.
    let _ = collector.map(|collector| collector.shutdown());
    result
}

/// Sets the token at the end of standard input. The thread is not waited for, since it may read forever.
fn cancel_at_end_of_stdin(stop: CancellationToken) {
    thread::spawn(move || {
        // An unreadable input counts as ended.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.cancel();
    });
}

/// Deletes the leftovers of killed processes. In a cluster this happens in the background.
pub(super) fn collect_garbage(settings: &Settings) {
    match settings.backend_kind() {
        BackendKind::Local => {
            if let Err(error) = cofferdam_local::collect_garbage(&settings.local()) {
                print_error(error);
            }
        }
        BackendKind::Kubernetes => {
            let settings = settings.kubernetes();
            tokio::spawn(async move {
                if let Err(error) = cofferdam_kubernetes::collect_garbage(&settings).await {
                    tracing::warn!(%error);
                }
            });
        }
    }
}
