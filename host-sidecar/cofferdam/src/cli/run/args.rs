//! The command line of `cofferdam run`.

use crate::cli::{
    Failure,
    options::{LimitArgs, SandboxArgs},
    stdin,
};
use cofferdam_client::Address;
use cofferdam_core::quantity::Bytes;
use cofferdam_types::{RequestedLimits, quoted};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cofferdam run hello.py
  echo 'print(6*7)' | cofferdam run -
  cofferdam run --timeout 10 --memory 128Mi untrusted.py -- --verbose input.txt
  cofferdam run --file data --file model.bin:models/m.bin analyse.py
  cofferdam run --file sales.csv --collect '**/*.png' --out results plot.py
  cofferdam run --language bash --json script.sh
  cofferdam run --sidecar unix:/run/cofferdam/cofferdam.sock hello.py

Exit codes: the program's own; 128+n if signal n ended the program or this process; 124 timed out;
137 out of memory or processes; 125 not run; 1 also if the program succeeded and its output or a file
could not be written, a file is missing that --collect names without wildcards, or files were lost with
their sandbox. Standard error says why.

In --collect, `*` and `?` stay within one folder, `**` goes into all below. Use an empty folder for
--out: an existing file is replaced only with --overwrite, and a name that begins with a dot is written
only if a pattern has the dot too, such as '.config/**'.

The language is --language, else that of the file's extension (.py, .sh, .bash, .js, .mjs, .cjs, or
that of a language in the settings), else that of a first line such as #!/bin/bash, else python.

A program has up to 1 MiB of UTF-8, its standard input up to 8 MiB. Files are limited by --disk alone.
A folder is copied with its permissions, empty folders and relative links; '--file DIR:.' copies what is
in it. Input that is typed at a terminal does not reach the program. Its output is shown as it arrives.
If standard output is closed, the program is killed.

Settings may also be in cofferdam.toml and in the environment, such as timeout_seconds and
COFFERDAM_TIMEOUT_SECONDS. The command line takes precedence over the environment, the environment over
the file. The ceilings there limit the options above. With a sidecar no settings are read.";

/// Options of settings that a remote sidecar has its own of.
const LOCAL_OPTIONS: [&str; 9] = [
    "config",
    "backend",
    "kubeconfig_path",
    "kubeconfig_context",
    "namespace",
    "image",
    "workload",
    "runsc",
    "rootfs",
];

/// Runs a program, and returns its output and its exit code.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RunArgs {
    /// The program; `-` reads it from standard input
    pub(super) file: String,
    /// Arguments of the program
    #[arg(last = true)]
    pub(super) args: Vec<String>,
    /// Language of the program [default: by the file's extension or its first line, else python]
    #[arg(long, value_name = "NAME")]
    pub(super) language: Option<String>,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    /// Bytes kept of each output stream; the middle of a longer one is cut out [default: 16Mi]
    #[arg(long, value_name = "BYTES")]
    pub(super) output_limit: Option<Bytes>,
    /// Copy a file or folder into the working directory, under its own name or PATH; may be repeated
    #[arg(long = "file", value_name = "LOCAL[:PATH]")]
    pub(super) files: Vec<String>,
    /// Collect files matching GLOB that the program made or changed; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) collect: Vec<String>,
    /// Write the collected files to this folder, best an empty one
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Replace existing files in that folder
    #[arg(long, requires = "out")]
    pub(super) overwrite: bool,
    /// Maximum number of collected files [default: 100]
    #[arg(long, value_name = "NUMBER")]
    pub(super) collected_files: Option<u32>,
    /// Maximum size of all collected files [default: 16Mi]
    #[arg(long, value_name = "BYTES")]
    pub(super) collected_limit: Option<Bytes>,
    /// Set an environment variable, or pass on one of this process; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(super) env: Vec<String>,
    /// Set the variables of a file, one NAME=VALUE per line or the output of `env -0`; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) env_file: Vec<PathBuf>,
    /// Network profile of the program, one of those in the settings [default: none]
    #[arg(long, value_name = "NAME")]
    pub(super) network: Option<String>,
    /// Label of the execution in the logs; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) label: Vec<String>,
    /// Standard input of the program
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) stdin: stdin::Mode,
    /// Print the whole outcome, or the error, as JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Run on a remote sidecar; token from COFFERDAM_TOKEN
    /// [default: COFFERDAM_URL, unless another option chooses where to run]
    #[arg(long, value_name = "unix:PATH|URL|HOST:PORT", conflicts_with_all = LOCAL_OPTIONS)]
    pub(super) sidecar: Option<Address>,
    #[command(flatten)]
    pub(super) settings: SandboxArgs,
}

impl RunArgs {
    /// Checks options that depend on each other, and removes `./` from the beginning of patterns.
    pub(super) fn checked(mut self) -> Result<Self, Failure> {
        for pattern in &mut self.collect {
            *pattern = without_dot(pattern).to_owned();
        }
        match &self.out {
            None if !self.collect.is_empty() && !self.json => {
                Err("--collect needs --out DIR, the folder for the files, or --json".into())
            }
            Some(out) if self.collect.is_empty() => {
                let out = quoted(&out.to_string_lossy());
                Err(format!("--out {out} needs --collect GLOB, the files to collect; '**' matches all")
                    .into())
            }
            _ => Ok(self),
        }
    }

    /// The limits of the request.
    pub(super) fn requested_limits(&self) -> RequestedLimits {
        RequestedLimits {
            output_bytes: self.output_limit.map(|bytes| bytes.0),
            collected_files: self.collected_files,
            collected_bytes: self.collected_limit.map(|bytes| bytes.0),
            ..self.limits.requested()
        }
    }
}

/// A pattern without `./` at its beginning: no collected file has that in its name.
fn without_dot(pattern: &str) -> &str {
    Some(pattern.trim_start_matches("./")).filter(|pattern| !pattern.is_empty()).unwrap_or(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_begin_with_the_working_directory() {
        for (pattern, meant) in [
            ("./r.csv", "r.csv"),
            ("././a/**", "a/**"),
            (".env", ".env"),
            ("../a", "../a"),
            ("./", "./"),
            ("", ""),
        ] {
            assert_eq!(without_dot(pattern), meant, "{pattern}");
        }
    }
}
