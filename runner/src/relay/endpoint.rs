//! The supervisor's end of the relay. A connection that breaks is replaced by the next one, and what it carries goes on
//! where it was.

use super::{SECRET_BYTES, Secret, address};
use crate::{error::Error, poll::Poll};
use cofferdam_protocol::Link;
use rustix::event::PollFlags;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    time::{Duration, Instant},
};

/// Most connections that have not sent the secret. More of them replace the oldest.
const MAX_ARRIVING: usize = 8;

/// Listens for relays, of which the last one with the secret is the connection to the sidecar.
#[derive(Debug)]
pub(crate) struct Endpoint {
    secret: Secret,
    listener: UnixListener,
    arriving: VecDeque<Arriving>,
    stream: Option<UnixStream>,
    link: Link,
}

/// A connection that has not sent the whole secret.
#[derive(Debug)]
struct Arriving {
    stream: UnixStream,
    sent: Vec<u8>,
}

/// How far a connection has come.
#[derive(Debug, PartialEq, Eq)]
enum Arrival {
    Incomplete,
    Authenticated,
    Refused,
}

impl Endpoint {
    /// Listens in the network namespace that this process has now.
    pub(crate) fn listen(secret: &str) -> io::Result<Self> {
        Self::listen_at(&address()?, secret)
    }

    fn listen_at(address: &SocketAddr, secret: &str) -> io::Result<Self> {
        let secret = secret.as_bytes().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        let listener = UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        let (arriving, link) = (VecDeque::new(), Link::default());
        Ok(Self { secret, listener, arriving, stream: None, link })
    }

    /// Adds what it waits for.
    pub(crate) fn add_to<'fd, T: Copy>(&'fd self, poll: &mut Poll<'fd, T>, token: T) {
        poll.add(token, Some(self.listener.as_fd()), PollFlags::IN);
        for arriving in &self.arriving {
            poll.add(token, Some(arriving.stream.as_fd()), PollFlags::IN);
        }
        let out = if self.link.has_output() { PollFlags::OUT } else { PollFlags::empty() };
        poll.add(token, self.stream.as_ref().map(AsFd::as_fd), PollFlags::IN | out);
    }

    /// Accepts connections. Returns whether there is one with the secret.
    pub(crate) fn accept(&mut self) -> bool {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.arriving.push_back(Arriving { stream, sent: Vec::new() });
            }
            if self.arriving.len() > MAX_ARRIVING {
                self.arriving.pop_front();
            }
        }
        for mut arriving in std::mem::take(&mut self.arriving) {
            match arriving.read(&self.secret) {
                Arrival::Incomplete => self.arriving.push_back(arriving),
                Arrival::Authenticated => {
                    self.stream = Some(arriving.stream);
                    self.link.connect();
                }
                Arrival::Refused => {}
            }
        }
        self.stream.is_some()
    }

    /// Accepts connections, and passes on once what the sidecar has sent.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], pass_on: impl FnMut(&[u8])) -> Result<(), Error> {
        self.accept();
        let Some(stream) = &mut self.stream else { return Ok(()) };
        match stream.read(buffer) {
            Ok(length) if length > 0 => self.link.receive(&buffer[..length], pass_on)?,
            Err(error) if is_retried(&error) => {}
            _ => self.stream = None,
        }
        Ok(())
    }

    /// Adds bytes for the sidecar.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.link.push(bytes);
    }

    /// Writes what can be written now.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        while let Some(stream) = &mut self.stream {
            let output = self.link.output()?;
            if output.is_empty() {
                return Ok(());
            }
            match stream.write(output) {
                Ok(length) if length > 0 => self.link.written(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                _ => self.stream = None,
            }
        }
        Ok(())
    }

    /// Whether more output of programs may be added.
    pub(crate) fn has_room(&self) -> bool {
        self.link.has_room()
    }

    /// Bytes of memory in use.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.link.memory_bytes()
    }

    /// Gives the sidecar time to receive the last frame: the end of the supervisor ends the relay too.
    pub(crate) fn linger(&mut self, timeout: Duration) -> Result<(), Error> {
        let (deadline, mut buffer) = (Instant::now() + timeout, vec![0; 4096]);
        loop {
            self.flush()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if self.link.is_acknowledged() || left.is_zero() {
                return Ok(());
            }
            let mut poll = Poll::new();
            self.add_to(&mut poll, ());
            match poll.wait(Some(left)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Error::ChannelClosed),
                _ => {}
            }
            let was_connected = self.stream.is_some();
            self.receive(&mut buffer, |_| {})?;
            if was_connected && self.stream.is_none() {
                return Ok(());
            }
        }
    }
}

impl Arriving {
    /// Reads no further than to the end of the secret.
    fn read(&mut self, secret: &Secret) -> Arrival {
        let mut buffer = [0; SECRET_BYTES];
        let left = SECRET_BYTES - self.sent.len();
        match self.stream.read(&mut buffer[..left]) {
            Ok(length) if length > 0 => self.sent.extend(&buffer[..length]),
            Err(error) if is_retried(&error) => {}
            _ => return Arrival::Refused,
        }
        match <&Secret>::try_from(self.sent.as_slice()) {
            Err(_) => Arrival::Incomplete,
            Ok(sent) if is_same(sent, secret) => Arrival::Authenticated,
            Ok(_) => Arrival::Refused,
        }
    }
}

/// Compares in a time that does not depend on what is equal.
fn is_same(one: &Secret, other: &Secret) -> bool {
    one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
}

fn is_retried(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// A connection with these bytes, as it arrives.
    fn arriving(bytes: &[u8]) -> (Arriving, UnixStream) {
        let (stream, mut client) = UnixStream::pair().expect("sockets");
        stream.set_nonblocking(true).expect("a socket that does not block");
        client.write_all(bytes).expect("room");
        (Arriving { stream, sent: Vec::new() }, client)
    }

    #[test]
    fn only_the_secret_authenticates_and_nothing_after_it_is_read() {
        let secret: Secret = SECRET.as_bytes().try_into().expect("a secret");
        let (mut relay, mut client) = arriving(&SECRET.as_bytes()[..9]);
        assert_eq!(relay.read(&secret), Arrival::Incomplete);
        assert_eq!(relay.read(&secret), Arrival::Incomplete);
        client.write_all(&[&SECRET.as_bytes()[9..], b"rest"].concat()).expect("room");
        assert_eq!(relay.read(&secret), Arrival::Authenticated);
        let mut rest = [0; 9];
        assert_eq!(relay.stream.read(&mut rest).expect("bytes"), 4);
        let (mut wrong, _client) = arriving(SECRET.replace('f', "e").as_bytes());
        assert_eq!(wrong.read(&secret), Arrival::Refused);
        let (mut gone, client) = arriving(b"");
        drop(client);
        assert_eq!(gone.read(&secret), Arrival::Refused);
    }

    /// What a sidecar has received after it has sent and read what there was.
    fn exchange(endpoint: &mut Endpoint, sidecar: &mut Link, client: &mut UnixStream) -> [Vec<u8>; 2] {
        let (mut buffer, mut to_runner, mut to_sidecar) = (vec![0; 4096], vec![], vec![]);
        for _ in 0..4 {
            let output = sidecar.output().expect("short").to_vec();
            client.write_all(&output).expect("room");
            sidecar.written(output.len());
            endpoint.receive(&mut buffer, |bytes| to_runner.extend(bytes)).expect("well-formed");
            endpoint.flush().expect("well-formed");
            let length = client.read(&mut buffer).unwrap_or_default();
            sidecar.receive(&buffer[..length], |bytes| to_sidecar.extend(bytes)).expect("well-formed");
        }
        [to_runner, to_sidecar]
    }

    #[test]
    fn a_new_connection_with_the_secret_replaces_the_one_before_and_goes_on() {
        let name = format!("cofferdam-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).expect("a name");
        let mut endpoint = Endpoint::listen_at(&address, SECRET).expect("a socket");
        let connect = |bytes: &[u8]| {
            let mut client = UnixStream::connect_addr(&address).expect("a connection");
            client.write_all(bytes).expect("room");
            client.set_nonblocking(true).expect("a socket that does not block");
            client
        };
        // Connections without the secret do not keep the others out.
        let _foreign: Vec<_> = (0..2 * MAX_ARRIVING).map(|_| connect(b"x")).collect();
        assert!(!endpoint.accept());
        let mut sidecar = Link::default();
        let mut first = connect(SECRET.as_bytes());
        sidecar.connect();
        sidecar.push(b"in");
        endpoint.push(b"out");
        assert!(endpoint.accept());
        assert_eq!(exchange(&mut endpoint, &mut sidecar, &mut first), [b"in".to_vec(), b"out".to_vec()]);
        let mut second = connect(SECRET.as_bytes());
        sidecar.connect();
        endpoint.push(b"more");
        assert!(endpoint.accept());
        assert_eq!(exchange(&mut endpoint, &mut sidecar, &mut second), [vec![], b"more".to_vec()]);
        assert_eq!(first.read(&mut [0; 9]).ok(), Some(0), "the first connection is closed");
    }
}
