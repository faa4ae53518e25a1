//! `cofferdam gc`.

use super::{Failure, load, options::BackendArgs, standard_output};
use crate::config::BackendKind;
use std::process::ExitCode;

/// Deletes the leftovers of killed processes.
#[derive(Debug, clap::Args)]
pub(super) struct GcArgs {
    #[command(flatten)]
    settings: BackendArgs,
}

pub(super) fn gc(args: &GcArgs) -> Result<ExitCode, Failure> {
    let settings = load(&args.settings)?;
    let removed = match settings.backend_kind() {
        BackendKind::Local => cofferdam_local::collect_garbage(&settings.local())?,
        BackendKind::Kubernetes => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cofferdam_kubernetes::collect_garbage(&settings.kubernetes()))?
        }
    };
    let message = match removed {
        0 => "nothing to delete".to_owned(),
        1 => "deleted the leftovers of 1 execution".to_owned(),
        count => format!("deleted the leftovers of {count} executions"),
    };
    standard_output::print_line(&message)?;
    Ok(ExitCode::SUCCESS)
}
