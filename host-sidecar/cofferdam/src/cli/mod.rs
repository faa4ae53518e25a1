//! The command line.

mod component;
mod doctor;
mod exit;
mod failure;
mod gc;
mod health;
mod hidden;
mod image;
mod input_files;
mod json;
mod language;
mod log;
mod manifests;
mod mcp;
mod options;
mod output_folder;
mod output_printer;
mod pull_progress;
mod run;
mod sanitize;
mod serve;
mod session;
mod sidecar;
mod signals;
mod standard_output;
mod status_line;
mod stdin;
mod stdin_stream;
mod uncollected;
mod variables;
mod warnings;

use crate::config::{self, Origin, Overrides, Settings, SettingsError};
use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use options::option_of_setting;
use sanitize::sanitize;
use std::{
    ffi::OsString,
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// Runs untrusted programs, each in its own gVisor sandbox.
#[derive(Debug, Parser)]
#[command(name = "cofferdam", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program, and return its output and its exit code.
    Run(Box<run::RunArgs>),
    /// Serve an HTTP API that runs programs, as the sidecar of an agent.
    Serve(serve::ServeArgs),
    /// Keep sandboxes of a sidecar, with their files and processes.
    Session(session::SessionArgs),
    /// Check a sidecar's liveness or readiness.
    Health(health::HealthArgs),
    /// Serve a tool that runs programs to an MCP client, over standard input and output.
    Mcp(Box<mcp::McpArgs>),
    /// Delete the leftovers of killed processes. Each execution does so too.
    Gc(gc::GcArgs),
    /// Manage the images of sandboxes on this machine.
    Image(image::ImageArgs),
    /// Check whether a cluster or this machine can run sandboxes.
    Doctor(doctor::DoctorArgs),
    /// Print the manifests that a cluster needs, for `kubectl apply -f -`.
    Manifests(manifests::ManifestsArgs),
    /// Write the WebAssembly component for agents' hosts.
    Component(component::ComponentArgs),
    /// Print a script that completes this command line in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    cofferdam_images::unpack_if_started_for_it().unwrap_or_else(|| run_with(std::env::args_os()))
}

fn run_with(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // Without colours: terminal escapes in it may come from an untrusted argument.
            let _ = writeln!(io::stderr(), "{}", sanitize(&error.render().to_string()));
            return exit::NOT_RUN.into();
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    match cli.command {
        // The log of a sidecar depends on its settings.
        Command::Serve(_) => {}
        // An MCP client reads standard error as a log.
        Command::Mcp(_) => log::start("cofferdam=warn", None),
        _ => log::start_at_terminal(),
    }
    let result = match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Serve(args) => serve::serve(&args),
        Command::Session(args) => session::session(args),
        Command::Health(args) => health::health(&args),
        Command::Mcp(args) => mcp::mcp(&args),
        Command::Gc(args) => gc::gc(&args),
        Command::Image(args) => image::image(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Manifests(args) => manifests::manifests(&args),
        Command::Component(args) => component::component(&args),
        Command::Completions { shell } => completions(shell),
    };
    match result {
        Ok(code) => code,
        Err(failure) if failure.is_stdout_closed => exit::READER_LEFT.into(),
        Err(failure) => {
            print_error(&failure);
            exit::NOT_RUN.into()
        }
    }
}

/// Prints a script for a shell. clap_complete panics if it cannot write, so it writes to memory.
fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cofferdam", &mut script);
    standard_output::print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the settings, and warns of unknown variables.
fn load(overrides: &impl Overrides) -> Result<Settings, Failure> {
    config::unknown_variables().iter().for_each(print_error);
    let settings = config::load(overrides).map_err(|error| -> Failure {
        if let SettingsError::Setting { origin: Some(Origin::CommandLine), setting, problem } = &error
            && let Some(option) = option_of_setting(setting)
        {
            return format!("{option} {problem}").into();
        }
        error.into()
    })?;
    Ok(settings.with_own_unpacker())
}

/// Prints a message to standard error, which the user may have closed.
fn print_error(message: impl Display) {
    let _ = writeln!(io::stderr(), "cofferdam: {}", sanitize(&message.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_commands_do_not_conflict() {
        Cli::command().debug_assert();
    }
}
