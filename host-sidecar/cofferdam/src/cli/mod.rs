//! The command line.

mod backend;
mod component;
mod doctor;
mod exit;
mod failure;
mod files;
mod gc;
mod health;
mod hidden;
mod json;
mod language;
mod left_behind;
mod live;
mod log;
mod manifests;
mod mcp;
mod output_folder;
mod plain;
mod progress;
mod run;
mod sandbox;
mod serve;
mod sidecar;
mod standard_output;
mod stdin;
mod variables;
mod warnings;

use crate::config::{self, Overrides, Settings};
use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use plain::plain;
use std::{
    ffi::OsString,
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// Runs programs that nobody has read, each in a gVisor sandbox of its own.
#[derive(Debug, Parser)]
#[command(name = "cofferdam", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program and pass on its output and its exit code.
    Run(Box<run::RunArgs>),
    /// Serve an HTTP API that runs programs: the sidecar of an agent.
    Serve(serve::ServeArgs),
    /// Ask a sidecar whether it lives, or whether it can run programs.
    Health(health::HealthArgs),
    /// Serve a tool that runs programs to an MCP client, over standard input and output.
    Mcp(Box<mcp::McpArgs>),
    /// Remove what processes that were killed have left. Each run does it too.
    Gc(gc::GcArgs),
    /// Say whether a cluster, or this machine, can do what runs need.
    Doctor(doctor::DoctorArgs),
    /// Print what a cluster needs for runs, for `kubectl apply -f -`.
    Manifests(manifests::ManifestsArgs),
    /// Write the component that agents' hosts load.
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
    run_with(std::env::args_os())
}

fn run_with(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // Without its colours: what steers a terminal there may be of an argument that somebody else has made up.
            let _ = writeln!(io::stderr(), "{}", plain(&error.render().to_string()));
            return exit::NOT_RUN.into();
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    match cli.command {
        // A sidecar's settings say more of it.
        Command::Serve(_) => {}
        // A client reads it as the log of a server.
        Command::Mcp(_) => log::start("cofferdam=warn", None),
        _ => log::start_at_terminal(),
    }
    let result = match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Serve(args) => serve::serve(&args),
        Command::Health(args) => health::health(&args),
        Command::Mcp(args) => mcp::mcp(&args),
        Command::Gc(args) => gc::gc(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Manifests(args) => manifests::manifests(&args),
        Command::Component(args) => component::component(&args),
        Command::Completions { shell } => completions(shell),
    };
    match result {
        Ok(code) => code,
        Err(failure) if failure.has_reader_left => exit::READER_LEFT.into(),
        Err(failure) => {
            say(&failure);
            exit::NOT_RUN.into()
        }
    }
}

/// The whole script first: what writes it panics where it cannot write.
fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cofferdam", &mut script);
    standard_output::print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the settings, and says which variables may have been meant for one.
fn load(overrides: &impl Overrides) -> Result<Settings, Failure> {
    config::unknown_variables().iter().for_each(say);
    Ok(config::load(overrides)?)
}

/// Tells the person at the terminal, who may have closed it.
fn say(what: impl Display) {
    let _ = writeln!(io::stderr(), "cofferdam: {}", plain(&what.to_string()));
}
