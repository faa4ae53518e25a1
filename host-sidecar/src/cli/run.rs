//! `cofferdam run`: as `python FILE`, through the component.

use super::{
    Failure, exit, files, json,
    live::{Live, Shown, Written},
    sandbox::SandboxArgs,
    say, stdin,
};
use crate::{
    Address, RemoteSidecar, Sidecar,
    component::{
        ExecuteError, Executor, SandboxImport,
        code_executor::{Outcome, Output},
        types::{Error, Label, Limits, Request, Status, Variable},
    },
    config::{self, Bytes, Cpu, Seconds, Settings},
};
use cofferdam_contract::quoted;
use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
  cofferdam run --sidecar unix:/run/cofferdam/cofferdam.sock hello.py

Exit codes: the program's own; 128+n for signal n, the program's or ours; 124 timed out; 137 out of
memory or processes; 125 not run, and standard error says why.

A program is up to 1 MiB of UTF-8; what is piped in, and its files in all, up to 8 MiB. What is typed at
a terminal does not reach it. Its output is shown as it comes; when nobody reads standard output any
more, the program is ended.

Settings can also stand in cofferdam.toml and in the environment, such as timeout_seconds and
COFFERDAM_TIMEOUT_SECONDS; the command line wins over the environment, the environment over the file.
The ceilings there say how far the options above may go.";

/// What a sidecar that runs elsewhere decides by itself.
const NOT_OF_A_SIDECAR: [&str; 8] =
    ["backend", "kubeconfig_path", "kubeconfig_context", "namespace", "image", "workload", "runsc", "rootfs"];

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
    /// Bring back files of its work directory; may be repeated
    #[arg(long, value_name = "GLOB")]
    collect: Vec<String>,
    /// Folder that they are written to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Set an environment variable, or pass on one of ours; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
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
    #[arg(long, value_name = "unix:PATH|URL", conflicts_with_all = NOT_OF_A_SIDECAR)]
    sidecar: Option<Address>,
    #[command(flatten)]
    settings: SandboxArgs,
}

pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let as_json = args.json;
    match execute(args) {
        Ok(code) => Ok(code),
        Err(failure) if as_json => {
            let error = Error { id: None, code: failure.code, message: failure.to_string(), retryable: false };
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
    args.out.as_deref().map_or(Ok(()), files::prepare_output)?;
    let (import, sidecar) = match &args.sidecar {
        Some(address) => (SandboxImport::remote(RemoteSidecar::new(address.clone(), token()?)), None),
        None => {
            let sidecar = Sidecar::new(&settings)?;
            (SandboxImport::new(sidecar.clone()), Some(sidecar))
        }
    };
    let executor = Executor::new(1)?;
    let impatient = end_at_signals_once_set()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (result, signal, writer) = runtime.block_on(async {
        let cancelled = CancellationToken::new();
        let reader_left = CancellationToken::new();
        let signal = tokio::spawn(cancel_early(cancelled.clone(), reader_left.clone(), impatient.clone())?);
        let (live, writer) = if args.json { (Live::silent(), None) } else { Live::start(reader_left) };
        let live = Arc::new(live);
        let import = import.with_cancellation(cancelled.clone()).with_observer(live.clone());
        let result = executor.execute(import, request).await;
        live.end();
        let signal = if cancelled.is_cancelled() { signal.await.ok() } else { None };
        Ok::<_, Failure>((result, signal, writer))
    })?;
    let show = || {
        // All that was live comes before what is said about it.
        let shown = writer.map(|writer| writer.join().unwrap_or_default()).unwrap_or_default();
        match &result {
            Ok(outcome) => show(&args, outcome, signal, shown),
            Err(ExecuteError::Refused(error)) => refuse(&args, error),
            Err(error @ ExecuteError::Guest(_)) => Err(Failure::internal(error)),
        }
    };
    let shown = thread::scope(|scope| {
        let shown = scope.spawn(show);
        if let Some(sidecar) = &sidecar {
            runtime.block_on(sidecar.settle());
        }
        // From here on there is nothing to take away, only to write.
        impatient.store(true, Ordering::Relaxed);
        shown.join()
    });
    // Not even a hanging program that fetches credentials is waited for.
    runtime.shutdown_background();
    shown.unwrap_or_else(|_| Err("the result could not be shown".into()))
}

/// By which a sidecar knows us.
fn token() -> Result<Option<String>, Failure> {
    match env::var("COFFERDAM_TOKEN") {
        Ok(token) => Ok(Some(token).filter(|token| !token.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err("COFFERDAM_TOKEN is not a text in UTF-8".into()),
    }
}

/// Signals that ask to end.
const END: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// Sets the token at the first signal that asks to end, or when the reader of our output has left; gives the signal, or the
/// one that a program gets whose reader has left.
fn cancel_early(
    cancelled: CancellationToken,
    reader_left: CancellationToken,
    impatient: Arc<AtomicBool>,
) -> io::Result<impl Future<Output = i32>> {
    let signal = cancel_on_signal(cancelled.clone(), impatient)?;
    Ok(async move {
        tokio::select! {
            kind = signal => kind.as_raw_value(),
            () = reader_left.cancelled() => {
                cancelled.cancel();
                SignalKind::pipe().as_raw_value()
            }
        }
    })
}

/// A flag that lets each of these signals end the process at once.
pub(super) fn end_at_signals_once_set() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for kind in END {
        let number = kind.as_raw_value();
        signal_hook::flag::register_conditional_shutdown(number, 128 + number, flag.clone())?;
    }
    Ok(flag)
}

/// Sets the token at the first signal that asks to end; the second ends the process, and the next run takes away the rest.
pub(super) fn cancel_on_signal(
    cancelled: CancellationToken,
    impatient: Arc<AtomicBool>,
) -> io::Result<impl Future<Output = SignalKind>> {
    let [interrupt, terminate, hang_up] = END;
    let [mut interrupt, mut terminate, mut hang_up] = [signal(interrupt)?, signal(terminate)?, signal(hang_up)?];
    Ok(async move {
        let kind = tokio::select! {
            _ = interrupt.recv() => END[0],
            _ = terminate.recv() => END[1],
            _ = hang_up.recv() => END[2],
        };
        impatient.store(true, Ordering::Relaxed);
        cancelled.cancel();
        kind
    })
}

fn request(args: &RunArgs, settings: &Settings) -> Result<Request, Failure> {
    let from_stdin = args.file == "-";
    let patience = args.startup_timeout.unwrap_or(settings.startup_timeout_seconds).0;
    let code = if from_stdin { stdin::program(patience)? } else { files::read(Path::new(&args.file))? };
    let code = String::from_utf8(code).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is not a text in UTF-8: byte {at} cannot be part of one", quoted(&args.file))
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
        stdin: if from_stdin { None } else { stdin::piped(args.stdin, patience)? },
        files: Some(args.files.iter().map(|file| files::read_input(file)).collect::<Result<_, _>>()?),
        collect: Some(args.collect.clone()),
        limits: Some(limits(args)),
        network: args.network.clone(),
        labels: Some(args.label.iter().map(label).collect::<Result<_, _>>()?),
    })
}

fn environment_variable(variable: &str) -> Result<Variable, Failure> {
    if let Some((name, value)) = variable.split_once('=') {
        return Ok(Variable { name: name.into(), value: value.into() });
    }
    match env::var(variable) {
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

/// Hands the outcome on. Where that fails, the program's success is not ours.
fn show(args: &RunArgs, outcome: &Outcome, signal: Option<i32>, mut shown: Shown) -> Result<ExitCode, Failure> {
    let mut failed = Vec::new();
    if args.json {
        let line = json::outcome(outcome, signal, args.out.is_none()).to_string() + "\n";
        shown.stdout.write(io::stdout().lock(), line.as_bytes());
    } else {
        shown.stdout.finish(io::stdout().lock(), &outcome.stdout);
        shown.stderr.finish(io::stderr().lock(), &outcome.stderr);
        for (name, output, written) in
            [("stdout", &outcome.stdout, &shown.stdout), ("stderr", &outcome.stderr, &shown.stderr)]
        {
            if let Some(of) = cut(output, written) {
                let shown = written.bytes;
                say(format_args!("{name} was cut: {shown} of {of} bytes are shown (--output-limit)"));
            }
        }
        let reader_left = shown.stdout.reader_left() && matches!(outcome.status, Status::Cancelled);
        if let Some(remark) = exit::remark(&outcome.status).filter(|_| !reader_left) {
            say(remark);
        }
        for file in &outcome.skipped {
            say(format_args!("{} was not brought back: {}", quoted(&file.path), file.reason));
        }
    }
    failed.extend(
        [("standard output", shown.stdout), ("standard error", shown.stderr)].into_iter().filter_map(unwritten),
    );
    failed.extend(args.out.iter().flat_map(|folder| files::write_outputs(folder, &outcome.files)));
    failed.iter().for_each(say);
    let code = exit::code(&outcome.status, signal);
    Ok(if code == 0 && !failed.is_empty() { ExitCode::FAILURE } else { code.into() })
}

/// How many bytes a stream had of which not all were shown.
fn cut(output: &Output, written: &Written) -> Option<String> {
    let kept = output.bytes.as_ref().map_or(0, Vec::len) as u64;
    output.cut.filter(|_| written.failed.is_none())?;
    if output.length > written.bytes {
        return Some(output.length.to_string());
    }
    // A sandbox that died could not say how much there was.
    (output.length == kept).then(|| "an unknown number of".into())
}

/// Why a stream could not be written, if so. A reader that has gone away misses nothing.
fn unwritten((name, written): (&str, Written)) -> Option<String> {
    let reader_left = written.reader_left();
    written.failed.filter(|_| !reader_left).map(|error| format!("{name} cannot be written: {error}"))
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
