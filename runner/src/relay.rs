//! The way of a session's connection into the container: `cofferdam-runner relay SECRET`, which a cluster executes in
//! it, copies its standard input and output to a socket of the supervisor and back. Unlike what goes over the standard
//! streams of the container itself, none of it lands in the container's log.
//!
//! The socket is abstract: it has its name in the network namespace of the container, which the supervisor leaves. A
//! program that shares the container's network can reach it, and does not know the secret.

mod copy;
mod endpoint;
mod idle;

pub(crate) use endpoint::Endpoint;

use copy::Copy;
use rustix::io::ioctl_fionbio;
use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    process::ExitCode,
};

/// The argument with which a cluster starts the relay.
pub(crate) const ARGUMENT: &str = "relay";
/// The name of the supervisor's socket.
const SOCKET: &[u8] = b"cofferdam-session";
/// Bytes of the secret: 128 random bits in hexadecimal digits.
const SECRET_BYTES: usize = 32;
type Secret = [u8; SECRET_BYTES];

/// The main function of the relay.
pub(crate) fn main() -> ExitCode {
    match std::env::args().nth(2).as_deref().map(relay) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("cannot relay the session: {error}");
            ExitCode::FAILURE
        }
        None => ExitCode::FAILURE,
    }
}

fn relay(secret: &str) -> io::Result<()> {
    let socket = UnixStream::connect_addr(&address()?)?;
    io::Write::write_all(&mut &socket, secret.as_bytes())?;
    let (stdin, stdout) = (io::stdin(), io::stdout());
    socket.set_nonblocking(true)?;
    ioctl_fionbio(&stdin, true)?;
    ioctl_fionbio(&stdout, true)?;
    copy::both_ways(Copy::new(&stdin, &socket), Copy::new(&socket, &stdout))
}

fn address() -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(SOCKET)
}
