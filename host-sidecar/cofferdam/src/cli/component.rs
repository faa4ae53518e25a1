//! `cofferdam component`.

use super::{Failure, standard_output};
use cofferdam_components::{BARE, COMPOSED, STREAM};
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

The component alone has one import of one function, which its host supplies. With --stream it can
follow and cancel a run too, for which its host supplies three functions more. With --composed it
can do all of that and imports nothing but WASI 0.2: it sends each run to the sidecar at
COFFERDAM_URL (http://127.0.0.1:8787 if that is not set), with the token in COFFERDAM_TOKEN, both
from the environment that its host gives it.";

/// Writes the component that agents' hosts load.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ComponentArgs {
    /// The one with a way to a sidecar of its own
    #[arg(long)]
    composed: bool,
    /// The one that can follow and cancel a run, for a host that supplies what that takes
    #[arg(long, conflicts_with = "composed")]
    stream: bool,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn component(args: &ComponentArgs) -> Result<ExitCode, Failure> {
    let component = match args {
        ComponentArgs { composed: true, .. } => COMPOSED,
        ComponentArgs { stream: true, .. } => STREAM,
        _ => BARE,
    };
    if args.output.as_os_str() == "-" {
        if io::stdout().is_terminal() {
            return Err("a component is no text for a terminal; name a file, or pass it on to a program".into());
        }
        standard_output::print(component)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = || quoted(&args.output.to_string_lossy());
    fs::write(&args.output, component).map_err(|error| format!("{} cannot be written: {error}", shown()))?;
    Ok(ExitCode::SUCCESS)
}
