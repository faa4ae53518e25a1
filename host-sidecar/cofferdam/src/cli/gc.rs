//! `cofferdam gc`.

use super::{Failure, backend::BackendArgs, load, standard_output};
use crate::config::BackendKind;
use cofferdam_kubernetes;
use cofferdam_local;
use std::process::ExitCode;

/// Removes what processes that were killed have left.
#[derive(Debug, clap::Args)]
pub(super) struct GcArgs {
    #[command(flatten)]
    settings: BackendArgs,
}

pub(super) fn gc(args: &GcArgs) -> Result<ExitCode, Failure> {
    let settings = load(&args.settings)?;
    settings.policy()?;
    let removed = match settings.backend_kind() {
        BackendKind::Local => cofferdam_local::collect_garbage(&settings.local())?,
        BackendKind::Kubernetes => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cofferdam_kubernetes::collect_garbage(&settings.kubernetes()))?
        }
    };
    let answer = match removed {
        0 => "nothing was left".to_owned(),
        1 => "removed what 1 run had left".to_owned(),
        runs => format!("removed what {runs} runs had left"),
    };
    standard_output::print_line(&answer)?;
    Ok(ExitCode::SUCCESS)
}
