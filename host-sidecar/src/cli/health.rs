//! `cofferdam health`: for where nothing else can ask, such as the sidecar's own image.

use super::Failure;
use crate::config::Listen;
use clap::Args;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    process::ExitCode,
    time::Duration,
};

const EXAMPLES: &str = "\
Examples:
  cofferdam health 127.0.0.1:8787
  cofferdam health --ready unix:/run/cofferdam/cofferdam.sock";

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Bytes of an answer.
const MOST: u64 = 16 << 10;

/// Asks a sidecar whether it lives; it exits with 0 if so. TLS is not spoken.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthArgs {
    /// Where it listens
    #[arg(value_name = "unix:PATH|IP:PORT")]
    sidecar: Listen,
    /// Ask whether it can run programs, too
    #[arg(long)]
    ready: bool,
}

pub(super) fn health(args: &HealthArgs) -> Result<ExitCode, Failure> {
    let HealthArgs { sidecar, ready } = args;
    let answer = ask(sidecar, if *ready { "/readyz" } else { "/healthz" });
    let answer = answer.map_err(|error| format!("no sidecar answers at {sidecar}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        return Err(
            format!("the sidecar at {sidecar} is not well: {}", if body.is_empty() { head } else { body }).into()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(sidecar: &Listen, path: &str) -> io::Result<String> {
    match sidecar {
        Listen::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, path)
        }
        Listen::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, path)
        }
    }
}

fn exchange(mut stream: impl Read + Write, path: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    Ok(answer)
}
