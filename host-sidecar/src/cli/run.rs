//! `cofferdam run`: as `python FILE`, through the component.

use super::{Failure, exit, files, json, progress::Progress, stdin};
use crate::{
    Sidecar,
    component::{
        ExecuteError, Executor, SandboxImport,
        code_executor::{Outcome, Output},
        types::{Error, Label, Limits, Request, Variable},
    },
    config::{self, BackendChoice, Bytes, Cpu, Overrides, Seconds, Settings},
};
use cofferdam_contract::quoted;
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  cofferdam run hello.py
  echo 'print(6*7)' | cofferdam run -
  cofferdam run --timeout 10 --memory 128Mi untrusted.py -- --verbose input.txt
  cofferdam run --file sales.csv --collect '*.png' --out results plot.py
  cofferdam run --language bash --json script.sh

Exit codes: the program's own; 128+n for signal n; 124 timed out; 137 out of memory or processes;
130 interrupted; 125 not run, and standard error says why.

Every setting can also stand in cofferdam.toml, and as COFFERDAM_<NAME> in the environment; the command
line wins over the environment, the environment over the file.";

/// Runs a program and passes on its output and its exit code.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The program; `-` reads it from standard input
    file: String,
    /// Arguments of the program
    #[arg(last = true)]
    args: Vec<String>,
    /// Language of the program [default: by the file's extension, else python]
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
    /// Processors that it may use, such as 500m or 2 [default: all]
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
    /// Bring back files of its work directory; may be repeated
    #[arg(long, value_name = "GLOB")]
    collect: Vec<String>,
    /// Folder that they are written to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Set an environment variable, or pass on one of ours; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Say in the logs whose run this is; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Give the program no standard input, whatever is piped in
    #[arg(long)]
    no_stdin: bool,
    /// Print the whole outcome, or the error, as JSON on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Settings that have an option of their own.
#[derive(Debug, clap::Args, Serialize)]
struct SettingsArgs {
    /// Where sandboxes come from [default: auto]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<BackendChoice>,
    /// The gVisor program [default: that of set-up or PATH]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    runsc: Option<PathBuf>,
    /// An unpacked image for the sandbox's root [default: the /usr of this machine]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rootfs: Option<PathBuf>,
    /// The configuration file [default: ./cofferdam.toml, else the user's, else /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Overrides for SettingsArgs {
    fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let as_json = args.json;
    match execute(args) {
        Ok(code) => Ok(code),
        Err(failure) if as_json => {
            let message = failure.to_string();
            let code = crate::component::types::ErrorCode::InvalidRequest;
            let error = Error { id: None, code, message, retryable: false };
            print(json::error(&error).to_string().as_bytes())?;
            Ok(exit::NOT_RUN.into())
        }
        Err(failure) => Err(failure),
    }
}

fn execute(args: RunArgs) -> Result<ExitCode, Failure> {
    if !args.collect.is_empty() && args.out.is_none() && !args.json {
        return Err("--collect needs --out DIR, the folder for the files, or --json".into());
    }
    let settings = config::load(&args.settings)?;
    let request = request(&args, &settings)?;
    let sidecar = Sidecar::new(&settings)?;
    let executor = Executor::new(1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let cancelled = CancellationToken::new();
        tokio::spawn(cancel_on_signal(cancelled.clone())?);
        let progress = Arc::new(Progress::new(args.json));
        let import = SandboxImport::new(sidecar).with_cancellation(cancelled).with_observer(progress.clone());
        let result = executor.execute(import, request).await;
        progress.clear();
        Ok::<_, Failure>(result)
    })?;
    match result {
        Ok(outcome) => show(&args, &outcome),
        Err(ExecuteError::Refused(error)) => refuse(&args, &error),
        Err(error @ ExecuteError::Guest(_)) => Err(error.into()),
    }
}

/// Sets the token at the first signal that asks to end.
fn cancel_on_signal(cancelled: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    let [mut interrupt, mut terminate, mut hang_up] =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        cancelled.cancel();
    })
}

fn request(args: &RunArgs, settings: &Settings) -> Result<Request, Failure> {
    let from_stdin = args.file == "-";
    let code = if from_stdin { stdin::program()? } else { files::read(Path::new(&args.file))? };
    let code = String::from_utf8(code).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is not a text in UTF-8: byte {at} cannot be part of one", args.file)
    })?;
    let env = args.env.iter().map(|variable| environment_variable(variable)).collect::<Result<_, _>>()?;
    let label = |label: &String| match label.split_once('=') {
        Some((key, value)) => Ok(Label { key: key.into(), value: value.into() }),
        None => Err(format!("--label {} is not KEY=VALUE", quoted(label))),
    };
    Ok(Request {
        code,
        language: args.language.clone().or_else(|| language_of(&args.file, settings)),
        args: Some(args.args.clone()),
        env: Some(env),
        stdin: if from_stdin || args.no_stdin { None } else { stdin::piped()? },
        files: Some(args.files.iter().map(|file| files::read_input(file)).collect::<Result<_, _>>()?),
        collect: Some(args.collect.clone()),
        limits: Some(limits(args)),
        network: None,
        labels: Some(args.label.iter().map(label).collect::<Result<_, _>>()?),
    })
}

fn environment_variable(variable: &str) -> Result<Variable, Failure> {
    if let Some((name, value)) = variable.split_once('=') {
        return Ok(Variable { name: name.into(), value: value.into() });
    }
    match std::env::var(variable) {
        Ok(value) => Ok(Variable { name: variable.into(), value }),
        Err(error) => Err(format!("--env {}: {error}; say NAME=VALUE", quoted(variable)).into()),
    }
}

/// The language whose programs have the file's extension.
fn language_of(file: &str, settings: &Settings) -> Option<String> {
    let extension = Path::new(file).extension()?;
    let policy = settings.policy().ok()?;
    let mut languages = policy.languages.into_iter();
    languages.find(|(_, language)| Path::new(&language.file).extension() == Some(extension)).map(|(name, _)| name)
}

fn limits(args: &RunArgs) -> Limits {
    let milliseconds = |time: Seconds| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX);
    Limits {
        wall_time_ms: args.timeout.map(milliseconds),
        startup_time_ms: args.startup_timeout.map(milliseconds),
        cpu_millis: args.cpu.map(|cpu| cpu.0),
        memory_bytes: args.memory.map(|bytes| bytes.0),
        disk_bytes: args.disk.map(|bytes| bytes.0),
        processes: args.processes,
        output_bytes: args.output_limit.map(|bytes| bytes.0),
        collected_files: None,
        collected_bytes: None,
    }
}

fn show(args: &RunArgs, outcome: &Outcome) -> Result<ExitCode, Failure> {
    if let Some(folder) = &args.out {
        files::write_outputs(folder, &outcome.files)?;
    }
    let code = ExitCode::from(exit::code(&outcome.status));
    if args.json {
        print(json::outcome(outcome, args.out.is_none()).to_string().as_bytes())?;
        return Ok(code);
    }
    write_stream(io::stdout().lock(), &outcome.stdout);
    write_stream(io::stderr().lock(), &outcome.stderr);
    if let Some(remark) = exit::remark(&outcome.status) {
        eprintln!("cofferdam: {remark}");
    }
    for (name, output) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        if output.cut.is_some() {
            let kept = output.bytes.as_ref().map_or(0, Vec::len);
            eprintln!("cofferdam: {name} was cut: {kept} of {} bytes are shown (--output-limit)", output.length);
        }
    }
    for file in &outcome.skipped {
        eprintln!("cofferdam: {} was not brought back: {}", quoted(&file.path), file.reason);
    }
    Ok(code)
}

/// A reader that has gone away misses nothing.
fn write_stream(mut to: impl Write, output: &Output) {
    let bytes = if output.cut.is_some() { None } else { output.bytes.as_deref() };
    let _ = to.write_all(bytes.unwrap_or(output.text.as_bytes())).and_then(|()| to.flush());
}

fn refuse(args: &RunArgs, error: &Error) -> Result<ExitCode, Failure> {
    if !args.json {
        return Err(error.message.clone().into());
    }
    print(json::error(error).to_string().as_bytes())?;
    Ok(exit::NOT_RUN.into())
}

fn print(line: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}
