//! `cofferdam run`: as `python FILE`.

mod outcome;
mod request;
mod signals;

pub(super) use signals::{cancel_on_signal, end_at_signals_once_set};

use super::{
    Failure, exit, json,
    live::{Live, Shown},
    load,
    output_folder::OutputFolder,
    sandbox::SandboxArgs,
    sidecar, standard_output, stdin,
};
use crate::config::Settings;
use cofferdam_client::{Address, Client};
use cofferdam_core::{
    Runtime,
    quantity::{Bytes, Cpu, Seconds},
};
use cofferdam_types::{Error, Report, Request, quoted};
use signals::cancel_early;
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  cofferdam run hello.py
  echo 'print(6*7)' | cofferdam run -
  cofferdam run --timeout 10 --memory 128Mi untrusted.py -- --verbose input.txt
  cofferdam run --file sales.csv --collect '**/*.png' --out results plot.py
  cofferdam run --language bash --json script.sh
  cofferdam run --sidecar unix:/run/cofferdam/cofferdam.sock hello.py

Exit codes: the program's own; 128+n for signal n, the program's or ours; 124 timed out; 137 out of
memory or processes; 125 not run; 1 also where the program succeeded and not all that came of it could
be handed on: its output, a file for --out, one that --collect names without wildcards, or any that
was lost with its sandbox. Standard error says why.

In --collect, `*` and `?` stay within one folder, `**` goes into all below. An --out folder should be empty:
files in it are replaced only with --overwrite, and a name that begins with a dot is written only
where a pattern has the dot too, such as '.config/**'.

The language is --language, else that of the file's extension (.py, .sh, .bash, .js, .mjs, .cjs, or
that of a language in the settings), else that of a first line such as #!/bin/bash, else python.

A program is up to 1 MiB of UTF-8; what is piped in, and its files in all, up to 8 MiB. What is typed at
a terminal does not reach it. Its output is shown as it comes; when nobody reads standard output any
more, the program is ended.

Settings can also stand in cofferdam.toml and in the environment, such as timeout_seconds and
COFFERDAM_TIMEOUT_SECONDS; the command line wins over the environment, the environment over the file.
The ceilings there say how far the options above may go. With a sidecar none of them is read.";

/// What a sidecar that runs elsewhere decides by itself.
const NOT_OF_A_SIDECAR: [&str; 9] =
    ["config", "backend", "kubeconfig_path", "kubeconfig_context", "namespace", "image", "workload", "runsc", "rootfs"];

/// Runs a program and passes on its output and its exit code.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The program; `-` reads it from standard input
    file: String,
    /// Arguments of the program
    #[arg(last = true)]
    args: Vec<String>,
    /// Language of the program [default: by the file's extension or its first line, else python]
    #[arg(long, value_name = "NAME")]
    language: Option<String>,
    /// Seconds that the program may run [default: 300]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<Seconds>,
    /// Seconds until it must have started [default: 60]
    #[arg(long, value_name = "SECONDS")]
    startup_timeout: Option<Seconds>,
    /// Memory of all its processes together [default: 512Mi]
    #[arg(long, value_name = "BYTES")]
    memory: Option<Bytes>,
    /// Processors that it may use, such as 500m or 2 [default: all; in a cluster 500m]
    #[arg(long, value_name = "CPUS")]
    cpu: Option<Cpu>,
    /// Size of its work directory, HOME and /tmp together [default: 256Mi]
    #[arg(long, value_name = "BYTES")]
    disk: Option<Bytes>,
    /// Processes and threads that it may have at once [default: 256]
    #[arg(long, value_name = "NUMBER")]
    processes: Option<u32>,
    /// Bytes kept of each output stream; beyond it the middle is cut out [default: 16Mi]
    #[arg(long, value_name = "BYTES")]
    output_limit: Option<Bytes>,
    /// Lay a file into its work directory, under its own name or PATH; may be repeated
    #[arg(long = "file", value_name = "LOCAL[:PATH]")]
    files: Vec<String>,
    /// Bring back files that it made or changed in its work directory; may be repeated
    #[arg(long, value_name = "GLOB")]
    collect: Vec<String>,
    /// Folder that they are written to, best an empty one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files that are in that folder already
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Files brought back at the most [default: 100]
    #[arg(long, value_name = "NUMBER")]
    collected_files: Option<u32>,
    /// Bytes of the files brought back, in all [default: 16Mi]
    #[arg(long, value_name = "BYTES")]
    collected_limit: Option<Bytes>,
    /// Set an environment variable, or pass on one of ours; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Set the variables of a file, a NAME=VALUE a line or as `env -0` writes them; may be repeated
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// The network profile of the program, one of those in the settings [default: none]
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Say in the logs whose run this is; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// What to do with standard input
    #[arg(long, value_enum, default_value = "auto")]
    stdin: stdin::Mode,
    /// Print the whole outcome, or the error, as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Have a sidecar that runs (`cofferdam serve`) run it, with the token in COFFERDAM_TOKEN if it wants one
    /// [default: COFFERDAM_URL, unless an option says where it is to run]
    #[arg(long, value_name = "unix:PATH|URL|HOST:PORT", conflicts_with_all = NOT_OF_A_SIDECAR)]
    sidecar: Option<Address>,
    #[command(flatten)]
    settings: SandboxArgs,
}

pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let as_json = args.json;
    let collect = args.collect.iter().map(|pattern| without_dot(pattern).to_owned()).collect();
    match execute(RunArgs { collect, ..args }) {
        Ok(code) => Ok(code),
        Err(failure) if as_json && !failure.has_reader_left => {
            let error = Error::new(failure.code, failure.to_string());
            standard_output::print_line(&json::error(&error).to_string())?;
            Ok(exit::NOT_RUN.into())
        }
        Err(failure) => Err(failure),
    }
}

/// A pattern as the names of files are, which begin with no `./`.
fn without_dot(pattern: &str) -> &str {
    Some(pattern.trim_start_matches("./")).filter(|pattern| !pattern.is_empty()).unwrap_or(pattern)
}

/// What executes the program.
enum Target {
    Local(Runtime),
    Remote { client: Client, has_token: bool },
}

/// What came of a run, and of showing its output meanwhile.
struct Ran {
    result: Result<Report, Error>,
    signal: Option<i32>,
    writer: Option<JoinHandle<Shown>>,
}

fn execute(args: RunArgs) -> Result<ExitCode, Failure> {
    check(&args)?;
    let (request, target) = match sidecar_of(&args)? {
        Some(address) => {
            let request = request::request(&args, None, Settings::default().startup_timeout_seconds.0)?;
            let token = sidecar::token()?;
            let has_token = token.is_some();
            (request, Target::Remote { client: Client::new(address, token), has_token })
        }
        None => {
            let settings = load(&args.settings)?;
            let languages = settings.policy()?.languages;
            let request = request::request(&args, Some(&languages), settings.startup_timeout_seconds.0)?;
            (request, Target::Local(settings.runtime()?))
        }
    };
    let folder = args.out.as_deref().map(|path| OutputFolder::open(path, args.overwrite)).transpose()?;
    let impatient = end_at_signals_once_set()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ran = runtime.block_on(run_program(&target, request, args.json, impatient.clone()))?;
    let has_token = match &target {
        Target::Local(_) => None,
        Target::Remote { has_token, .. } => Some(*has_token),
    };
    let show = || {
        // All that was live comes before what is said about it.
        let shown = ran.writer.map(|writer| writer.join().unwrap_or_default()).unwrap_or_default();
        match ran.result {
            Ok(outcome) => Ok(outcome::show(&args, folder.as_ref(), &outcome, ran.signal, shown)),
            Err(error) => outcome::refuse(&args, error, has_token),
        }
    };
    let shown = beside_clean_up(&runtime, &target, &impatient, show);
    // Not even a hanging program that fetches credentials is waited for.
    runtime.shutdown_background();
    shown
}

fn check(args: &RunArgs) -> Result<(), Failure> {
    match &args.out {
        None if !args.collect.is_empty() && !args.json => {
            Err("--collect needs --out DIR, the folder for the files, or --json".into())
        }
        Some(out) if args.collect.is_empty() => {
            let out = quoted(&out.to_string_lossy());
            Err(format!("--out {out} needs --collect GLOB, which says what to bring back; '**' is everything").into())
        }
        _ => Ok(()),
    }
}

/// The sidecar that is named, or that the environment names where no option says where to run.
fn sidecar_of(args: &RunArgs) -> Result<Option<Address>, Failure> {
    match &args.sidecar {
        Some(address) => Ok(Some(address.clone())),
        None if args.settings.is_given() => Ok(None),
        None => sidecar::address(),
    }
}

async fn run_program(
    target: &Target,
    request: Request,
    is_silent: bool,
    impatient: Arc<AtomicBool>,
) -> Result<Ran, Failure> {
    let cancelled = CancellationToken::new();
    let reader_left = CancellationToken::new();
    let signal = tokio::spawn(cancel_early(cancelled.clone(), reader_left.clone(), impatient)?);
    let (live, writer) = if is_silent { (Live::silent(), None) } else { Live::start(reader_left) };
    let result = match target {
        Target::Local(runtime) => runtime.run(request, &cancelled, &live).await,
        Target::Remote { client, .. } => client.run(request, &cancelled, &live).await,
    };
    live.end();
    let signal = if cancelled.is_cancelled() { signal.await.ok() } else { None };
    Ok(Ran { result, signal, writer })
}

/// Shows what came while what the run left is removed.
fn beside_clean_up(
    runtime: &tokio::runtime::Runtime,
    target: &Target,
    impatient: &AtomicBool,
    show: impl FnOnce() -> Result<ExitCode, Failure> + Send,
) -> Result<ExitCode, Failure> {
    thread::scope(|scope| {
        let shown = scope.spawn(show);
        if let Target::Local(sidecar) = target {
            runtime.block_on(sidecar.settle());
        }
        // From here on there is nothing to take away, only to write.
        impatient.store(true, Ordering::Relaxed);
        shown.join().unwrap_or_else(|_| Err("the result could not be shown".into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_begin_with_the_folder_itself() {
        for (pattern, meant) in
            [("./r.csv", "r.csv"), ("././a/**", "a/**"), (".env", ".env"), ("../a", "../a"), ("./", "./"), ("", "")]
        {
            assert_eq!(without_dot(pattern), meant, "{pattern}");
        }
    }
}
