//! `cofferdam gc`.

use super::Failure;
use crate::{
    config::{self, Overrides},
    sandbox::local,
};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Removes what processes that were killed have left.
#[derive(Debug, clap::Args, Serialize)]
pub(super) struct GcArgs {
    /// The configuration file. [default: ./cofferdam.toml over the user's over /etc/cofferdam/cofferdam.toml]
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
    let answer = match local::collect_garbage(&config::load(args)?)? {
        0 => "nothing was left".to_owned(),
        1 => "removed what 1 run had left".to_owned(),
        runs => format!("removed what {runs} runs had left"),
    };
    writeln!(io::stdout(), "{answer}")?;
    Ok(ExitCode::SUCCESS)
}
