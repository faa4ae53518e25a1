//! `cofferdam run`, which executes one program.

mod args;
mod outcome;
mod request;
mod target;

pub(super) use args::RunArgs;

use super::{
    Failure, exit, json, output_folder::OutputFolder, output_printer::OutputPrinter, signals::EndSignals,
    standard_output,
};
use cofferdam_types::{Error, Report};
use std::process::ExitCode;
use target::{Submission, Target};
use tokio::{signal::unix::SignalKind, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let as_json = args.json;
    match execute(args) {
        Err(failure) if as_json && !failure.is_stdout_closed => {
            let error = Error::new(failure.code, failure.to_string());
            standard_output::print_line(&json::error(error, None).to_string())?;
            Ok(exit::NOT_RUN.into())
        }
        result => result,
    }
}

fn execute(args: RunArgs) -> Result<ExitCode, Failure> {
    let args = args.checked()?;
    let (target, submission) = target::choose(&args)?;
    let folder = args.out.as_deref().map(|path| OutputFolder::open(path, args.overwrite)).transpose()?;
    let signals = EndSignals::install()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(execute_and_show(args, &target, submission, folder, signals));
    // A credential program of the kubeconfig that hangs is not waited for.
    runtime.shutdown_background();
    result
}

/// Executes the program, then shows the outcome while the sandbox is cleaned up.
async fn execute_and_show(
    args: RunArgs,
    target: &Target,
    submission: Submission,
    folder: Option<OutputFolder>,
    signals: EndSignals,
) -> Result<ExitCode, Failure> {
    let stdout_closed = CancellationToken::new();
    let printer =
        if args.json { OutputPrinter::silent() } else { OutputPrinter::start(stdout_closed.clone()) };
    let (result, signal) =
        execute_until_cancelled(target, submission, &printer, stdout_closed, &signals).await?;
    let result = result.map_err(|error| target.explain(error));
    let show = async {
        // Messages follow the program's output.
        let printed = printer.finish().await;
        let shown = spawn_blocking(move || match result {
            Ok(report) => Ok(outcome::show(&args, folder.as_ref(), &report, signal, printed)),
            Err(error) => outcome::show_error(&args, error),
        });
        shown.await.unwrap_or_else(|_| Err("the outcome could not be shown".into()))
    };
    let clean_up = async {
        target.clean_up().await;
        // Only output is left, and its reader may never read it.
        signals.exit_on_next();
    };
    tokio::join!(show, clean_up).0
}

/// Executes the program until it ends, a signal comes, or standard output is closed. Returns the signal too;
/// a closed standard output counts as SIGPIPE.
async fn execute_until_cancelled(
    target: &Target,
    submission: Submission,
    printer: &OutputPrinter,
    stdout_closed: CancellationToken,
    signals: &EndSignals,
) -> Result<(Result<Report, Error>, Option<i32>), Failure> {
    let cancelled = CancellationToken::new();
    let (signal, on_stdout_closed) = (signals.cancel_on_first(cancelled.clone())?, cancelled.clone());
    let cancelling = tokio::spawn(async move {
        tokio::select! {
            kind = signal => kind,
            () = stdout_closed.cancelled() => {
                on_stdout_closed.cancel();
                SignalKind::pipe()
            }
        }
    });
    let result = target.execute(submission, &cancelled, printer).await;
    let signal = if cancelled.is_cancelled() { cancelling.await.ok() } else { None };
    Ok((result, signal.map(|kind| kind.as_raw_value())))
}
