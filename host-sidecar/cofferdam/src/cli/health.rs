//! `cofferdam health`, for images without an HTTP client, such as the sidecar's own.

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

/// The timeout of connecting, of each read and of each write.
const STEP_TIMEOUT: Duration = Duration::from_secs(8);
/// The maximum size of a response in bytes.
const MAX_RESPONSE: u64 = 16 << 10;

/// Checks a sidecar's liveness or readiness. TLS is not supported.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthArgs {
    /// The sidecar's address [default: COFFERDAM_URL]
    #[arg(value_name = "unix:PATH|URL|HOST:PORT")]
    sidecar: Option<Address>,
    /// Check whether it can execute programs, too
    #[arg(long)]
    ready: bool,
}

pub(super) fn health(args: &HealthArgs) -> Result<ExitCode, Failure> {
    let named = args.sidecar.clone().map_or_else(sidecar::address, |address| Ok(Some(address)))?;
    let sidecar =
        named.ok_or_else(|| format!("name the sidecar, such as 127.0.0.1:8787, or set {}", sidecar::URL))?;
    let response = get(&sidecar, if args.ready { "/readyz" } else { "/healthz" });
    let response = response.map_err(|error| format!("no response of a sidecar at {sidecar}: {error}"))?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!(
            "the sidecar at {sidecar} is unhealthy: {}",
            if body.is_empty() { head } else { body }
        )
        .into());
    }
    Ok(ExitCode::SUCCESS)
}

fn get(sidecar: &Address, path: &str) -> io::Result<String> {
    match sidecar {
        Address::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(STEP_TIMEOUT))?;
            stream.set_write_timeout(Some(STEP_TIMEOUT))?;
            exchange(stream, "localhost", path)
        }
        Address::Tcp { secure: true, .. } => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "`health` does not support TLS; use `curl`"))
        }
        Address::Tcp { host, port, authority, prefix, .. } => {
            let stream = connect(host, *port)?;
            stream.set_read_timeout(Some(STEP_TIMEOUT))?;
            stream.set_write_timeout(Some(STEP_TIMEOUT))?;
            exchange(stream, authority, &format!("{prefix}{path}"))
        }
    }
}

/// Connects to the first of the host's addresses that accepts.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, STEP_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

fn exchange(mut stream: impl Read + Write, host: &str, path: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.take(MAX_RESPONSE).read_to_string(&mut response)?;
    Ok(response)
}
