//! The program `cofferdam-host`: it runs any component that imports a sandbox, WASI, or both.
//!
//! A sandbox is created by the backend in this process: no sidecar is needed. WASI is linked and closed: a guest
//! has only the directories, the variables and the hosts that the command line grants.

mod allowed_host;
mod cli;
mod error;
mod guest;
mod invoke;
mod limits;
mod run;
mod serve;
mod signals;
mod unknown_fields;
mod wasi;

use clap::Parser;
use cli::{Cli, Command};
use std::{
    io::{Write, stderr},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if let Some(code) = cofferdam::images::unpack_if_started_for_it() {
        return code;
    }
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_env("COFFERDAM_LOG").unwrap_or_else(|_| EnvFilter::new("cofferdam=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).without_time().init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the async runtime cannot be started: {error}")),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Run(args) => run::run(args).await,
            Command::Serve(args) => serve::serve(args).await,
        }
    });
    // A guest's blocking read of standard input is not waited for.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error.to_string()))
}

fn fail(message: &str) -> ExitCode {
    // Standard error may be closed.
    let _ = writeln!(stderr(), "cofferdam-host: {message}");
    ExitCode::FAILURE
}
