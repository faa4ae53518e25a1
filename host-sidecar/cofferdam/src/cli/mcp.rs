//! `cofferdam mcp`: the sidecar's MCP tools, for the MCP client that starts this process.

use super::{
    Failure, load,
    options::{LimitArgs, SandboxArgs},
    pull_progress,
    serve::collect_garbage,
    signals::EndSignals,
};
use crate::config::Overrides;
use cofferdam_core::quantity::Bytes;
use cofferdam_server::serve_stdio;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
An MCP client starts it, such as with this entry of its configuration:

  { \"mcpServers\": { \"cofferdam\": { \"command\": \"cofferdam\", \"args\": [\"mcp\", \"--timeout\", \"60\"] } } }

The client finds the tool execute_code and, if the backend has sessions, tools for those. Their
descriptions have the limits of these options and of the settings. A call may ask for another time
limit. `cofferdam serve` has the same tools at /mcp, for clients that use HTTP.

The process ends with its client, and so do the client's programs and sessions. Standard error is its log.";

/// Serves the tools `execute_code` and those for sessions to an MCP client.
#[derive(Debug, clap::Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct McpArgs {
    #[command(flatten)]
    #[serde(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    mcp: McpSettings,
    #[command(flatten)]
    #[serde(flatten)]
    sandbox: SandboxArgs,
}

/// Settings of the table `mcp`.
#[derive(Debug, clap::Args, Serialize)]
struct McpSettings {
    /// A folder whose files and folders a call may copy into its sandbox, by name [default: none]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    input_dir: Option<PathBuf>,
    /// Bytes kept of each output stream; the middle of a longer one is cut out [default: 32Ki]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    output_limit: Option<Bytes>,
    /// Maximum size of all collected files [default: 640Ki]
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
    let policy = settings.policy()?;
    pull_progress::pull_images(&settings, policy.languages.values())?;
    let sandboxes = settings.pooled_runtime_with(policy)?;
    let signals = EndSignals::install()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(signals.cancel_on_first(stop.clone())?);
        collect_garbage(&settings);
        serve_stdio(&settings.server()?, sandboxes.clone(), stop).await?;
        sandboxes.drain().await;
        Ok(ExitCode::SUCCESS)
    });
    // The client may still hold standard input open; a read of it is not waited for.
    runtime.shutdown_background();
    result
}
