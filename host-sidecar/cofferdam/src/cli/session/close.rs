//! `cofferdam session close`.

use super::SidecarArgs;
use crate::cli::{Failure, sidecar};
use std::process::ExitCode;

/// Closes sessions.
#[derive(Debug, clap::Args)]
pub(super) struct CloseArgs {
    /// The ids of the sessions
    #[arg(required = true, value_name = "ID")]
    sessions: Vec<String>,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

/// Closes the sessions one after the other, until one cannot be closed.
pub(super) async fn close(args: CloseArgs) -> Result<ExitCode, Failure> {
    let client = args.sidecar.client()?;
    for session in &args.sessions {
        client.close_session(session).await.map_err(sidecar::failure)?;
    }
    Ok(ExitCode::SUCCESS)
}
