//! `cofferdam component`.

use super::{Failure, standard_output};
use cofferdam_components::{BARE, COMPOSED, STREAM, TOOL};
use cofferdam_types::quoted;
use std::{
    fs,
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

const EXAMPLES: &str = "\
Examples:
  cofferdam component -o code-executor.wasm
  cofferdam component --composed -o - | wasm-tools component wit

By default the component imports one function, which its host supplies. With --stream it also
streams and cancels executions, for which its host supplies three more functions. With --composed it
does both and imports only WASI 0.2: it sends each execution to the sidecar at COFFERDAM_URL
(http://127.0.0.1:8787 if that is not set), with the token in COFFERDAM_TOKEN, both from the
environment that its host gives it. With --tool it imports the same, and exports one function,
run-code, for hosts that turn exported functions into tools of a model.";

/// Writes the WebAssembly component for agents' hosts.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ComponentArgs {
    /// The component that calls a sidecar over HTTP
    #[arg(long)]
    composed: bool,
    /// The component that also streams and cancels, for a host that supplies the functions for it
    #[arg(long, conflicts_with = "composed")]
    stream: bool,
    /// The component that exports one function with text alone, and calls a sidecar over HTTP
    #[arg(long, conflicts_with_all = ["composed", "stream"])]
    tool: bool,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn component(args: &ComponentArgs) -> Result<ExitCode, Failure> {
    let component = match args {
        ComponentArgs { composed: true, .. } => COMPOSED,
        ComponentArgs { stream: true, .. } => STREAM,
        ComponentArgs { tool: true, .. } => TOOL,
        _ => BARE,
    };
    if args.output.as_os_str() == "-" {
        if io::stdout().is_terminal() {
            return Err(
                "refusing to write binary output to a terminal; name a file, or pipe the output into a program".into(),
            );
        }
        standard_output::print(component)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = || quoted(&args.output.to_string_lossy());
    fs::write(&args.output, component).map_err(|error| format!("{} cannot be written: {error}", shown()))?;
    Ok(ExitCode::SUCCESS)
}
