//! `cofferdam session shell`: a terminal in a session.

mod filter;
mod raw_mode;
mod utf8;

use super::{Last, SidecarArgs, interrupted};
use crate::cli::{Failure, print_error, sidecar, signals::EndSignals, stdin_stream, variables};
use cofferdam_client::{Client, Terminal, TerminalEvent, TerminalInput, TerminalOutput};
use cofferdam_http_api::session::{ExecutionRequest, SessionEvent, TerminalSize};
use cofferdam_types::Error;
use filter::TerminalFilter;
use raw_mode::RawMode;
use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

const NOTES: &str = "\
The shell continues if this process ends; --attach goes on with it. The command `session exec ID --
kill PID` or the end of the session ends it. What it prints cannot set the title or the clipboard of
your terminal.";
/// Bash if the image has it.
const SHELL: &str = "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh";

/// Opens a shell in a session.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct ShellArgs {
    /// The id of the session
    #[arg(value_name = "ID")]
    session: String,
    /// Another command and its arguments [default: bash, else sh]
    #[arg(last = true)]
    command: Vec<String>,
    /// Working directory [default: that of the session]
    #[arg(long, value_name = "DIR")]
    workdir: Option<String>,
    /// Set an environment variable, or pass on one of this process; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Go on with a shell that was left, by its id
    #[arg(long, value_name = "EXECUTION", conflicts_with_all = ["command", "workdir", "env"])]
    attach: Option<String>,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

pub(super) async fn shell(args: ShellArgs) -> Result<ExitCode, Failure> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err("standard input and output are no terminal; use `cofferdam session exec`".into());
    }
    let client = args.sidecar.client()?;
    let execution = match args.attach {
        Some(execution) => execution,
        None => start(&client, &args.session, args.command, args.workdir, &args.env).await?,
    };
    let terminal = client.terminal(&args.session, &execution, 0).await.map_err(sidecar::failure)?;
    let (signals, cancelled) = (EndSignals::install()?, CancellationToken::new());
    let signal = tokio::spawn(signals.cancel_on_first(cancelled.clone())?);
    let raw_mode = RawMode::set()?;
    let last = cancelled.run_until_cancelled(serve(terminal)).await;
    // Before any message.
    drop(raw_mode);
    let note = || print_error(format_args!("the shell continues: --attach {execution} goes on with it"));
    match last {
        Some(Ok(last)) => last.exit_code(),
        Some(Err(error)) => {
            note();
            Err(sidecar::failure(error))
        }
        None => {
            note();
            Ok(interrupted(signal).await)
        }
    }
}

/// Starts the shell. Returns the id of the execution.
async fn start(
    client: &Client,
    session: &str,
    command: Vec<String>,
    workdir: Option<String>,
    variables: &[String],
) -> Result<String, Failure> {
    let mut env = BTreeMap::from([("TERM".to_owned(), terminal_kind(env::var("TERM").ok()))]);
    for variable in variables {
        let variable = variables::of_option(variable)?;
        env.insert(variable.name, variable.value);
    }
    let shell = || ["sh", "-c", SHELL].map(str::to_owned).into();
    let request = ExecutionRequest {
        command: Some(if command.is_empty() { shell() } else { command }),
        env,
        working_dir: workdir,
        terminal: Some(raw_mode::window_size()),
        background: true,
        ..ExecutionRequest::default()
    };
    Ok(client.start_in_session(session, &request).await.map_err(sidecar::failure)?.id)
}

/// The name of the terminal's kind, if an image may know it.
fn terminal_kind(kind: Option<String>) -> String {
    let known = ["linux", "rxvt", "screen", "screen-256color", "tmux", "tmux-256color", "vt100", "xterm"];
    kind.filter(|kind| known.contains(&kind.as_str())).unwrap_or_else(|| "xterm-256color".into())
}

/// Passes on what is typed, what is shown, and the size of the window, until the shell ends.
async fn serve(Terminal { input, output }: Terminal) -> Result<Last, Error> {
    tokio::select! {
        last = show(output) => last,
        error = pass_input(input) => Err(error),
    }
}

async fn show(mut output: TerminalOutput) -> Result<Last, Error> {
    let mut filter = TerminalFilter::default();
    loop {
        match output.next().await? {
            Some(TerminalEvent::Output(bytes)) => write(filter.filter(&bytes)).await?,
            Some(TerminalEvent::Event(SessionEvent::Gap { .. })) => filter = TerminalFilter::default(),
            Some(TerminalEvent::Event(event)) => {
                if let Some(last) = Last::of(event) {
                    return Ok(last);
                }
            }
            None => return Err(Error::internal("the connection ended without the end of the shell", "")),
        }
    }
}

async fn write(bytes: Vec<u8>) -> Result<(), Error> {
    let written = spawn_blocking(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&bytes).and_then(|()| stdout.flush())
    });
    let failed = |error: String| Error::internal("the terminal cannot be written to", error);
    written.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

/// Passes on what is typed, until the connection ends.
async fn pass_input(mut input: TerminalInput) -> Error {
    let unusable = |error: io::Error| Error::internal("the terminal cannot be used", error);
    let mut resized = match signal(SignalKind::window_change()) {
        Ok(resized) => resized,
        Err(error) => return unusable(error),
    };
    let mut typed = stdin_stream::pieces();
    let mut size = TerminalSize::default();
    loop {
        // The window may have changed before the signal was listened to.
        let sent = match raw_mode::window_size() {
            now if now != size => {
                size = now;
                input.resize(size).await
            }
            _ => tokio::select! {
                Some(bytes) = typed.recv() => match bytes {
                    Ok(bytes) => input.write(bytes).await,
                    Err(error) => Err(error),
                },
                _ = resized.recv() => Ok(()),
                else => std::future::pending().await,
            },
        };
        if let Err(error) = sent {
            return error;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_knows_the_kind_of_terminal() {
        for (kind, known) in
            [("xterm", "xterm"), ("xterm-kitty", "xterm-256color"), ("a\u{1b}", "xterm-256color")]
        {
            assert_eq!(terminal_kind(Some(kind.into())), known);
        }
        assert_eq!(terminal_kind(None), "xterm-256color");
    }
}
