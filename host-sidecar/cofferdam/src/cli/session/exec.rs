//! `cofferdam session exec`: one command in a session.

use super::{Last, SidecarArgs, interrupted};
use crate::cli::{
    Failure, print_error, sidecar, signals::EndSignals, standard_output, stdin_stream, variables,
};
use cofferdam_client::{Client, SessionEvents};
use cofferdam_core::quantity::Seconds;
use cofferdam_http_api::session::{ExecutionRequest, SessionEvent, StreamName};
use cofferdam_types::{RequestedLimits, milliseconds};
use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};
use tokio::task::{AbortHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

const NOTES: &str = "\
Standard input is passed on as it comes. If this process is interrupted, the command is killed. With
--detach the command continues: this prints its id, `cofferdam session shell --attach` or the HTTP API
follow it.";

/// Runs a command in a session.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct ExecArgs {
    /// The id of the session
    #[arg(value_name = "ID")]
    pub(super) session: String,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    pub(super) command: Vec<String>,
    /// Working directory [default: that of the session]
    #[arg(long, value_name = "DIR")]
    pub(super) workdir: Option<String>,
    /// Set an environment variable, or pass on one of this process; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Time limit in seconds [default: that of the session]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<Seconds>,
    /// Pass on no standard input
    #[arg(long)]
    no_stdin: bool,
    /// Let processes that the command leaves behind go on
    #[arg(long)]
    keep_background: bool,
    /// Print the id of the command once it has started, and let it continue
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

impl ExecArgs {
    fn request(&self) -> Result<ExecutionRequest, Failure> {
        let env =
            self.env.iter().map(|variable| variables::of_option(variable)).collect::<Result<Vec<_>, _>>()?;
        Ok(ExecutionRequest {
            command: Some(self.command.clone()),
            env: env.into_iter().map(|variable| (variable.name, variable.value)).collect(),
            working_dir: self.workdir.clone(),
            open_stdin: !self.no_stdin && !self.detach,
            background: self.detach,
            keeps_background: self.keep_background,
            limits: RequestedLimits {
                wall_time_ms: self.timeout.map(|time| milliseconds(time.0)),
                ..RequestedLimits::default()
            },
            ..ExecutionRequest::default()
        })
    }
}

pub(super) async fn exec(args: ExecArgs) -> Result<ExitCode, Failure> {
    let request = args.request()?;
    let (session, client) = (args.session, args.sidecar.client()?);
    if args.detach {
        let execution = client.start_in_session(&session, &request).await.map_err(sidecar::failure)?;
        standard_output::print_line(&execution.id)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (signals, cancelled) = (EndSignals::install()?, CancellationToken::new());
    let signal = tokio::spawn(signals.cancel_on_first(cancelled.clone())?);
    let mut run = Run { client, session, open_stdin: request.open_stdin, stdin: None };
    // Dropping the events kills the command.
    let last = cancelled.run_until_cancelled(run.follow(&request)).await;
    if let Some(stdin) = run.stdin {
        stdin.abort();
    }
    match last {
        Some(last) => last?.exit_code(),
        None => Ok(interrupted(signal).await),
    }
}

struct Run {
    client: Client,
    session: String,
    open_stdin: bool,
    /// The task that passes standard input on.
    stdin: Option<AbortHandle>,
}

impl Run {
    /// Follows the command to its end.
    async fn follow(&mut self, request: &ExecutionRequest) -> Result<Last, Failure> {
        let mut events = self.client.execute(&self.session, request).await.map_err(sidecar::failure)?;
        loop {
            match next(&mut events).await? {
                SessionEvent::Accepted { accepted } if self.open_stdin => self.pass_stdin(accepted.id),
                SessionEvent::Stdout { stdout, .. } => write(io::stdout, stdout.0).await?,
                SessionEvent::Stderr { stderr, .. } => write(io::stderr, stderr.0).await?,
                SessionEvent::Truncated { truncated } => {
                    let name = if truncated == StreamName::Stdout { "output" } else { "error" };
                    print_error(format_args!("standard {name} has reached its limit; the rest is left out"));
                }
                SessionEvent::Gap { gap } => print_error(format_args!("{gap} bytes of output are lost")),
                event => {
                    if let Some(last) = Last::of(event) {
                        return Ok(last);
                    }
                }
            }
        }
    }

    fn pass_stdin(&mut self, execution: String) {
        let (client, session) = (self.client.clone(), self.session.clone());
        let task = tokio::spawn(async move {
            // Fails if the command ends, which is no error, or if the connection does, which the events say.
            let _ = client.write_stdin(&session, &execution, stdin_stream::body()).await;
        });
        self.stdin = Some(task.abort_handle());
    }
}

async fn next(events: &mut SessionEvents) -> Result<SessionEvent, Failure> {
    events.next().await.map_err(sidecar::failure)
}

/// Writes to one of our own streams.
async fn write<W: Write + 'static>(to: fn() -> W, bytes: Vec<u8>) -> Result<(), Failure> {
    let written = spawn_blocking(move || {
        let mut to = to();
        to.write_all(&bytes).and_then(|()| to.flush())
    });
    match written.await.map_err(Failure::internal)? {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::stdout_closed()),
        written => {
            written.map_err(|error| Failure::internal(format!("the output cannot be written: {error}")))
        }
    }
}
