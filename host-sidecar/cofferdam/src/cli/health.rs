//! `cofferdam health`: for where nothing else can ask, such as the sidecar's own image.

use super::{Failure, sidecar};
use clap::Args;
use cofferdam_client::Address;
use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
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
    /// The sidecar's address [default: COFFERDAM_URL]
    #[arg(value_name = "unix:PATH|URL|HOST:PORT")]
    sidecar: Option<Address>,
    /// Ask whether it can run programs, too
    #[arg(long)]
    ready: bool,
}

pub(super) fn health(args: &HealthArgs) -> Result<ExitCode, Failure> {
    let named = args.sidecar.clone().map_or_else(sidecar::address, |address| Ok(Some(address)))?;
    let sidecar = named.ok_or_else(|| format!("name the sidecar, such as 127.0.0.1:8787, or set {}", sidecar::URL))?;
    let answer = ask(&sidecar, if args.ready { "/readyz" } else { "/healthz" });
    let answer = answer.map_err(|error| format!("no sidecar answers at {sidecar}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        return Err(
            format!("the sidecar at {sidecar} is not well: {}", if body.is_empty() { head } else { body }).into()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(sidecar: &Address, path: &str) -> io::Result<String> {
    match sidecar {
        Address::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, "localhost", path)
        }
        Address::Tcp { secure: true, .. } => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "TLS is not spoken here; ask it with `curl`"))
        }
        Address::Tcp { host, port, authority, prefix, .. } => {
            let stream = connect(host, *port)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, authority, &format!("{prefix}{path}"))
        }
    }
}

/// To the first address of the host that answers.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn exchange(mut stream: impl Read + Write, host: &str, path: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    Ok(answer)
}
