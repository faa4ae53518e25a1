//! `cofferdam mcp`: the tool of the sidecar, to the MCP client that starts this process.

use super::{
    Failure, load,
    run::{cancel_on_signal, end_at_signals_once_set},
    sandbox::SandboxArgs,
    serve::collect_garbage,
};
use crate::config::Overrides;
use cofferdam_core::quantity::{Bytes, Cpu, Seconds};
use cofferdam_server::serve_stdio;
use serde::Serialize;
use std::{path::Path, process::ExitCode};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
An MCP client starts it, such as with this entry of its configuration:

  { \"mcpServers\": { \"cofferdam\": { \"command\": \"cofferdam\", \"args\": [\"mcp\", \"--timeout\", \"60\"] } } }

The client finds one tool, execute_code. Its description says the bounds that these options and the
settings give. `cofferdam serve` has the same tool at /mcp, for clients that reach it over HTTP.

It ends with its client, and the client's programs with it. Standard error is its log.";

/// Serves the tool `execute_code` to an MCP client.
#[derive(Debug, clap::Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct McpArgs {
    /// Seconds that a program may run whose call does not say [default: 300]
    #[arg(long = "timeout", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<Seconds>,
    /// Seconds until it must have started [default: 60]
    #[arg(long = "startup-timeout", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    startup_timeout_seconds: Option<Seconds>,
    /// Memory of all its processes together [default: 512Mi]
    #[arg(long = "memory", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mem_limit: Option<Bytes>,
    /// Processors that it may use, such as 500m or 2 [default: all; in a cluster 500m]
    #[arg(long = "cpu", value_name = "CPUS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit: Option<Cpu>,
    /// Size of its working directory, HOME and /tmp together [default: 256Mi]
    #[arg(long = "disk", value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_limit: Option<Bytes>,
    /// Processes and threads that it may have at once [default: 256]
    #[arg(long = "processes", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    process_limit: Option<u32>,
    #[command(flatten)]
    mcp: OutputArgs,
    #[command(flatten)]
    #[serde(flatten)]
    sandbox: SandboxArgs,
}

/// What comes back.
#[derive(Debug, clap::Args, Serialize)]
struct OutputArgs {
    /// Bytes kept of each output stream; beyond it the middle is cut out [default: 32Ki]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    output_limit: Option<Bytes>,
    /// Bytes of the files brought back, in all [default: 640Ki]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    collected_limit: Option<Bytes>,
}

impl Overrides for McpArgs {
    fn config(&self) -> Option<&Path> {
        self.sandbox.config()
    }
}

pub(super) fn mcp(args: &McpArgs) -> Result<ExitCode, Failure> {
    let settings = load(args)?;
    let sidecar = settings.pooled_runtime()?;
    let impatient = end_at_signals_once_set()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone(), impatient)?);
        collect_garbage(&settings);
        serve_stdio(&settings.server()?, sidecar.clone(), stop).await?;
        sidecar.settle().await;
        Ok(ExitCode::SUCCESS)
    });
    // A read of standard input that a client still holds open is not waited for.
    runtime.shutdown_background();
    result
}
