//! `cofferdam gc`.

use super::Failure;
use crate::{
    config::{self, Overrides},
    sandbox::local,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Removes what processes that were killed have left.
#[derive(Debug, clap::Args, Serialize)]
pub(super) struct GcArgs {
    /// The configuration file. [default: ./cofferdam.toml, else the user's, else /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Overrides for GcArgs {
    fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

pub(super) fn gc(args: &GcArgs) -> Result<ExitCode, Failure> {
    match local::collect_garbage(&config::load(args)?)? {
        0 => println!("nothing was left"),
        1 => println!("removed what 1 run had left"),
        runs => println!("removed what {runs} runs had left"),
    }
    Ok(ExitCode::SUCCESS)
}
