//! `cofferdam session`: sandboxes of a sidecar that are kept.

mod close;
mod cp;
mod create;
mod exec;
mod list;
mod shell;

use super::{Failure, exit, sidecar};
use clap::Subcommand;
use cofferdam_client::{Address, Client};
use cofferdam_http_api::session::{ExecutionEnd, SessionEvent};
use cofferdam_types::{Error, validation::Violation};
use std::{collections::BTreeMap, process::ExitCode};
use tokio::{signal::unix::SignalKind, task::JoinHandle};

const EXAMPLES: &str = "\
Examples:
  id=$(cofferdam session create --sidecar 127.0.0.1:8787)
  export COFFERDAM_URL=127.0.0.1:8787
  cofferdam session exec $id -- pip list
  cofferdam session cp data.csv $id:/work/
  cofferdam session exec $id -- python3 -c 'print(open(\"data.csv\").read())'
  cofferdam session cp $id:/work/results .
  cofferdam session shell $id
  cofferdam session list --metadata user=ada
  cofferdam session close $id";

/// Keeps sandboxes of a sidecar, with their files and processes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct SessionArgs {
    #[command(subcommand)]
    command: SessionCommand,
}

#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// Create a session, and print its id.
    Create(Box<create::CreateArgs>),
    /// List your sessions.
    List(list::ListArgs),
    /// Run a command in a session, and return its output and its exit code.
    Exec(exec::ExecArgs),
    /// Copy a file or a folder to or from a session.
    Cp(cp::CpArgs),
    /// Open a shell in a session.
    Shell(shell::ShellArgs),
    /// Close a session, and delete its sandbox.
    Close(close::CloseArgs),
}

/// The sidecar of a command.
#[derive(Debug, clap::Args)]
struct SidecarArgs {
    /// The sidecar's address; token from COFFERDAM_TOKEN [default: COFFERDAM_URL]
    #[arg(long, value_name = "unix:PATH|URL|HOST:PORT")]
    sidecar: Option<Address>,
}

pub(super) fn session(args: SessionArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match args.command {
            SessionCommand::Create(args) => create::create(*args).await,
            SessionCommand::List(args) => list::list(args).await,
            SessionCommand::Exec(args) => exec::exec(args).await,
            SessionCommand::Cp(args) => cp::cp(args).await,
            SessionCommand::Shell(args) => shell::shell(args).await,
            SessionCommand::Close(args) => close::close(args).await,
        }
    });
    // Standard input may be read for ever.
    runtime.shutdown_background();
    result
}

impl SidecarArgs {
    fn client(self) -> Result<Client, Failure> {
        let address = match self.sidecar {
            Some(address) => Some(address),
            None => sidecar::address()?,
        };
        let address = address.ok_or_else(|| {
            format!("name the sidecar of the session: --sidecar 127.0.0.1:8787, or set {}", sidecar::URL)
        })?;
        Ok(Client::new(address, sidecar::token()?))
    }
}

/// The names and values of an option `NAME=VALUE`.
fn pairs(option: &str, values: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut pairs = BTreeMap::new();
    for pair in values {
        let (name, value) = pair.split_once('=').ok_or_else(|| invalid(option, pair, "is not NAME=VALUE"))?;
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(option, name, "is given twice"));
        }
    }
    Ok(pairs)
}

fn invalid(option: &str, value: &str, problem: &str) -> Failure {
    Violation::Invalid(format!("{option} {} {problem}", cofferdam_types::quoted(value))).into()
}

/// The last event of an execution: how it ended.
enum Last {
    Ended(ExecutionEnd),
    Failed(Failure),
}

impl Last {
    /// The end that an event reports, if it does.
    fn of(event: SessionEvent) -> Option<Self> {
        match event {
            SessionEvent::Ended { ended } => Some(Self::Ended(ended)),
            SessionEvent::Failed { failed } => {
                Some(Self::Failed(sidecar::failure(Error::new(failed.code, failed.detail))))
            }
            _ => None,
        }
    }

    /// The exit code of a command that ended so. Says why, unless it exited by itself.
    fn exit_code(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Ended(end) => {
                exit::remark(end.status).iter().for_each(super::print_error);
                Ok(exit::code(end.status, None).into())
            }
            Self::Failed(failure) => Err(failure),
        }
    }
}

/// The exit code of a command that a signal to this process ended.
async fn interrupted(signal: JoinHandle<SignalKind>) -> ExitCode {
    let number = signal.await.map_or(0, |kind| kind.as_raw_value());
    u8::try_from(number).unwrap_or_default().saturating_add(128).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn parse(args: &[&str]) -> Result<SessionCommand, String> {
        let cli = Cli::try_parse_from([&["cofferdam", "session"], args].concat());
        match cli.map_err(|error| error.to_string())?.command {
            Command::Session(args) => Ok(args.command),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_command_follows_two_dashes() {
        let Ok(SessionCommand::Exec(args)) =
            parse(&["exec", "s-1", "--workdir", "/tmp", "--", "ls", "-l", "--", "a"])
        else {
            panic!("a command");
        };
        assert_eq!(args.command, ["ls", "-l", "--", "a"]);
        assert_eq!((args.session.as_str(), args.workdir.as_deref()), ("s-1", Some("/tmp")));
        assert!(parse(&["exec", "s-1"]).is_err_and(|error| error.contains("COMMAND")));
        assert!(parse(&["exec", "s-1", "ls"]).is_err());
    }

    #[test]
    fn each_command_takes_a_sidecar_and_a_session() {
        for args in [
            &["create", "--sidecar", "127.0.0.1:1"][..],
            &["list", "--sidecar", "127.0.0.1:1"],
            &["cp", "--sidecar", "127.0.0.1:1", "a", "s:b"],
            &["shell", "--sidecar", "127.0.0.1:1", "s"],
            &["close", "--sidecar", "127.0.0.1:1", "s"],
        ] {
            assert!(parse(args).is_ok(), "{args:?}: {:?}", parse(args));
        }
        for args in [&["shell"][..], &["close"], &["cp", "a"], &["create", "--sidecar", "nowhere"]] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn an_option_of_pairs_has_each_name_once() {
        let pairs = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            pairs("--metadata", &values).map_err(|failure| failure.to_string())
        };
        let expected = BTreeMap::from([("a".into(), "b=c".into()), ("d".into(), String::new())]);
        assert_eq!(pairs(&["a=b=c", "d="]), Ok(expected));
        assert_eq!(pairs(&["a"]), Err("--metadata `a` is not NAME=VALUE".into()));
        assert_eq!(pairs(&["a=1", "a=2"]), Err("--metadata `a` is given twice".into()));
    }
}
