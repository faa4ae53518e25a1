//! The way of a session's connection into the container: `cofferdam-runner relay`, which a cluster executes in it,
//! copies its standard input and output to a socket of the supervisor and back. Unlike what goes over the standard
//! streams of the container itself, none of it lands in the container's log.
//!
//! The socket is abstract: it has its name in the network namespace of the container, which the supervisor leaves. A
//! program that shares the container's network can reach it, and does not know the secret, which is the first that comes
//! over standard input. As an argument it would be in the address of a request to the cluster, and so in logs.

mod copy;
mod endpoint;
mod idle;

pub(crate) use endpoint::Endpoint;

use crate::poll::Poll;
use copy::Copy;
use rustix::{event::PollFlags, io::ioctl_fionbio};
use std::{
    io,
    os::{
        fd::AsFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    process::ExitCode,
    time::{Duration, Instant},
};

/// The argument with which a cluster starts the relay.
pub(crate) const ARGUMENT: &str = "relay";
/// The name of the supervisor's socket.
const SOCKET: &[u8] = b"cofferdam-session";
/// Bytes of the secret: 128 random bits in hexadecimal digits.
const SECRET_BYTES: usize = 32;
type Secret = [u8; SECRET_BYTES];
/// How long the sidecar may take to send it: longer than it waits for an answer.
const SECRET_TIMEOUT: Duration = Duration::from_secs(20);

/// The main function of the relay.
pub(crate) fn main() -> ExitCode {
    match relay() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot relay the session: {error}");
            ExitCode::FAILURE
        }
    }
}

fn relay() -> io::Result<()> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let secret = read_secret(&stdin, SECRET_TIMEOUT)?;
    // The secret follows at once: of the connections without it, the supervisor keeps only a few.
    let socket = UnixStream::connect_addr(&address()?)?;
    io::Write::write_all(&mut &socket, &secret)?;
    socket.set_nonblocking(true)?;
    ioctl_fionbio(&stdin, true)?;
    ioctl_fionbio(&stdout, true)?;
    copy::both_ways(Copy::new(&stdin, &socket), Copy::new(&socket, &stdout))
}

/// Reads the secret, and nothing after it.
fn read_secret(input: &impl AsFd, timeout: Duration) -> io::Result<Secret> {
    let (deadline, mut secret, mut length) = (Instant::now() + timeout, [0; SECRET_BYTES], 0);
    while length < SECRET_BYTES {
        let mut poll = Poll::new();
        poll.add((), Some(input.as_fd()), PollFlags::IN);
        let read = poll.wait(Some(deadline.saturating_duration_since(Instant::now()))).and_then(|ready| {
            let length = (!ready.is_empty()).then(|| rustix::io::read(input, &mut secret[length..]));
            Ok(length.transpose()?)
        });
        match read {
            Ok(Some(read)) if read > 0 => length += read,
            Ok(Some(_)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(None) => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(secret)
}

fn address() -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    const SECRET: &Secret = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn the_secret_is_read_from_the_input_and_nothing_after_it() {
        let (input, mut sidecar) = UnixStream::pair().expect("sockets");
        sidecar.write_all(&SECRET[..9]).expect("room");
        let reading = std::thread::spawn(move || (read_secret(&input, SECRET_TIMEOUT), input));
        sidecar.write_all(&[&SECRET[9..], b"rest"].concat()).expect("room");
        let (secret, mut input) = reading.join().expect("a thread");
        assert_eq!(secret.ok().as_ref(), Some(SECRET));
        let mut rest = [0; 9];
        assert_eq!(input.read(&mut rest).expect("bytes"), 4);
    }

    #[test]
    fn a_secret_that_does_not_come_is_an_error() {
        let (input, mut sidecar) = UnixStream::pair().expect("sockets");
        sidecar.write_all(&SECRET[1..]).expect("room");
        let error = |timeout| read_secret(&input, timeout).map_err(|error| error.kind());
        assert_eq!(error(Duration::from_millis(1)), Err(io::ErrorKind::TimedOut));
        drop(sidecar);
        assert_eq!(error(SECRET_TIMEOUT), Err(io::ErrorKind::UnexpectedEof));
    }
}
