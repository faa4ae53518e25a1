//! The command line.

use crate::allowed_host::AllowedHost;
use clap::{Args, Parser, Subcommand};
use cofferdam::config::{BackendChoice, Bytes, Overrides, Seconds};
use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value},
};
use std::{
    env,
    net::SocketAddr,
    num::NonZero,
    path::{Path, PathBuf},
};

/// Runs components that import a sandbox, WASI, or both. Sandboxes are created by this process.
#[derive(Debug, Parser)]
#[command(name = "cofferdam-host", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call a function of a component, or run a component that is a command.
    Run(RunArgs),
    /// Serve HTTP with a component that exports `wasi:http/incoming-handler`.
    Serve(ServeArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  cofferdam-host run --invoke 'ask(\"sum of squares up to 100\")' agent.wasm
  cofferdam-host run --invoke 'execute({code: \"print(6*7)\"})' code-executor.wasm
  cofferdam-host run --allow-host api.example.com --env API_KEY command.wasm -- input.txt

A call has the syntax of the wasmtime CLI: WebAssembly Value Encoding. Its result is printed in the same
syntax. The exit code is 0; 1 if the result is an `err`, or if the component failed; without --invoke it is
the command's own; 128+n if signal n ended the run.";

#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The component
    pub(crate) component: PathBuf,
    /// The call of an exported function, such as 'ask(\"6*7\")' [default: run the component as a command]
    #[arg(long, value_name = "CALL")]
    pub(crate) invoke: Option<String>,
    /// Arguments of a command
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The component
    pub(crate) component: PathBuf,
    /// The address to listen on; port 0 chooses one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Requests that are handled at once; more wait
    #[arg(long, value_name = "NUMBER", default_value = "64")]
    pub(crate) max_requests: NonZero<u16>,
    /// Time in seconds of one request, from the connection to the end of the response
    #[arg(long = "request-seconds", value_name = "SECONDS", default_value = "600")]
    pub(crate) request_time: Seconds,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
}

/// What a guest may use, and where its sandboxes are created.
#[derive(Debug, Args)]
pub(crate) struct GuestArgs {
    /// Grant access to a directory; a suffix :ro makes it read-only; may be repeated
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]")]
    pub(crate) directories: Vec<Directory>,
    /// Set an environment variable; without a value, that of this process; may be repeated
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) variables: Vec<Variable>,
    /// Allow HTTP requests to a host; without a port, 80 and 443; may be repeated
    #[arg(long = "allow-host", value_name = "HOST[:PORT]")]
    pub(crate) hosts: Vec<AllowedHost>,
    /// Memory of the guest
    #[arg(long = "guest-memory", value_name = "BYTES", default_value = "512Mi")]
    pub(crate) memory: Bytes,
    /// Computing time of the guest in seconds; waiting does not count
    #[arg(long = "guest-seconds", value_name = "SECONDS", default_value = "60")]
    pub(crate) computing_time: Seconds,
    /// Executions that one instance may request
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) max_executions: u32,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

/// The settings of the backend. All others come from files and the environment.
#[derive(Debug, Args, Serialize)]
pub(crate) struct BackendArgs {
    /// The configuration file [default: ./cofferdam.toml over the user's over /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// The backend that creates sandboxes: local, kubernetes or auto [default: auto]
    #[arg(long, value_name = "BACKEND", value_parser = backend)]
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<BackendChoice>,
}

impl Overrides for BackendArgs {
    fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// The backends have the names of the settings file.
fn backend(text: &str) -> Result<BackendChoice, value::Error> {
    BackendChoice::deserialize(text.into_deserializer())
}

/// A directory that the guest may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) is_read_only: bool,
}

impl std::str::FromStr for Directory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (paths, is_read_only) = text.strip_suffix(":ro").map_or((text, false), |paths| (paths, true));
        let (host, guest) = paths.split_once("::").unwrap_or((paths, paths));
        if host.is_empty() || guest.is_empty() {
            return Err("a directory is HOST or HOST::GUEST, such as ./data::/data".into());
        }
        Ok(Self { host: host.into(), guest: guest.into(), is_read_only })
    }
}

/// An environment variable of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::str::FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => (text, env::var(text).map_err(|_| format!("{text} is not set in the environment"))?),
        };
        if name.is_empty() {
            return Err("a variable is NAME or NAME=VALUE".into());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_directory_has_the_same_path_inside_unless_another_is_named() {
        let directory = |text: &str| text.parse::<Directory>();
        let same = Directory { host: "a".into(), guest: "a".into(), is_read_only: false };
        assert_eq!(directory("a"), Ok(same));
        let other = Directory { host: "a".into(), guest: "/b".into(), is_read_only: true };
        assert_eq!(directory("a::/b:ro"), Ok(other));
        assert!(directory("").is_err() && directory("::b").is_err() && directory("a::").is_err());
    }
}
