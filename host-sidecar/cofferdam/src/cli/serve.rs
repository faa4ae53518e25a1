//! `cofferdam serve`: the sidecar, over HTTP.

use super::{
    Failure,
    backend::BackendArgs,
    load, log,
    plain::plain,
    run::{cancel_on_signal, end_at_signals_once_set},
    say,
};
use crate::config::{BackendKind, Overrides, Settings};
use cofferdam_kubernetes;
use cofferdam_local;
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

MCP clients find the tool execute_code at /mcp. The token file has a line `TENANT TOKEN` for each token, or one token alone; others than its owner and
group may not use it. Bounds are settings of the table `serve`, and what single tenants may have of
`tenants`. SIGTERM ends it: runs get 10 s (serve.grace_seconds) to end by themselves.";

/// Serves the HTTP API.
#[derive(Debug, clap::Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    #[serde(rename = "serve")]
    sockets: SocketArgs,
    #[command(flatten)]
    #[serde(flatten)]
    backend: BackendArgs,
    /// End, as at SIGTERM, when standard input does: with whoever started it, however they end
    #[arg(long)]
    #[serde(skip)]
    until_stdin_ends: bool,
}

/// Where it listens, and to whom.
#[derive(Debug, clap::Args, Serialize)]
struct SocketArgs {
    /// A socket to listen on; may be repeated [default: unix:$XDG_RUNTIME_DIR/cofferdam.sock, for root
    /// unix:/run/cofferdam/cofferdam.sock]
    #[arg(long, value_name = "unix:PATH|IP:PORT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listen: Vec<Listen>,
    /// The file of tokens, one of which each request needs
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
    /// Certificates, in PEM, for TLS on TCP sockets
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    /// The key of the first of them
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
}

impl Overrides for ServeArgs {
    fn config(&self) -> Option<&Path> {
        self.backend.config()
    }
}

pub(super) fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let settings = load(args)?;
    let sidecar = settings.pooled_runtime()?;
    let service = Service::new(&settings.server()?, sidecar.clone())?;
    let impatient = end_at_signals_once_set()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let collector = telemetry::provider(settings.serve.otlp_endpoint.as_deref(), runtime.handle());
    let collector = collector.map_err(|error| format!("the collector of spans cannot be used: {error}"))?;
    log::start("cofferdam=info", collector.as_ref());
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone(), impatient)?);
        if args.until_stdin_ends {
            cancel_at_end_of_stdin(stop.clone());
        }
        collect_garbage(&settings);
        let addresses: Vec<_> = service.addresses().collect();
        let serving = service.run(stop);
        for address in addresses {
            writeln!(io::stderr(), "listening on {}", plain(&address))?;
        }
        serving.await;
        sidecar.settle().await;
        Ok(ExitCode::SUCCESS)
    });
    // What was not sent yet is; a collector that is not there has been warned of.
    let _ = collector.map(|collector| collector.shutdown());
    result
}

/// Sets the token when standard input ends. The thread is not waited for: it may read for ever.
fn cancel_at_end_of_stdin(stop: CancellationToken) {
    thread::spawn(move || {
        // An input that cannot be read tells as little of whoever started this as one that has ended.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.cancel();
    });
}

/// Removes what a sidecar that was killed has left. A cluster is not waited for.
pub(super) fn collect_garbage(settings: &Settings) {
    match settings.backend_kind() {
        BackendKind::Local => {
            if let Err(error) = cofferdam_local::collect_garbage(&settings.local()) {
                say(error);
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
