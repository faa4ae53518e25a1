//! The channel to the sidecar. Messages and the program come in; frames go out on standard output.

mod messages;

use crate::{
    container_log::{ATTACH_TIMEOUT, ContainerLog},
    error::{Context, Error},
    options::Options,
    poll::Poll,
    relay::Endpoint,
    stdio::{self, Source},
};
use cofferdam_protocol::{CONTROL, Decoder, Frame, Hello, Malformed, Message, append, encode};
use messages::{read, read_parts};
use rustix::event::PollFlags;
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    thread,
    time::{Duration, SystemTime},
};

/// Longest message in bytes: the largest program that the contract allows, and some.
const MAX_MESSAGE: u64 = 64 << 20;
/// Most bytes that are written at once. A frame may be longer.
const MAX_WRITE: usize = 96 << 10;
/// How long the last frame may take over a relay.
const LAST_FRAME_TIMEOUT: Duration = Duration::from_secs(2);

/// The connection to the sidecar.
#[derive(Debug)]
pub(crate) struct Channel {
    transport: Transport,
    decoder: Decoder<Message>,
    /// The channel of the frames that are sent: the execution's, once there is one.
    number: u32,
}

/// How messages come in, and frames go out.
#[derive(Debug)]
enum Transport {
    /// Messages come over standard input, frames go to standard output. The end of standard input cancels the
    /// program.
    Pipes,
    /// The program is in a volume, frames go to the container's log.
    LogAndVolume {
        log: ContainerLog,
        /// The folder that contains the messages, split into files, until they are read.
        folder: Option<PathBuf>,
    },
    /// Messages come over standard input, frames go to the container's log.
    LogAndStdin {
        log: ContainerLog,
        /// The runner waits for no message after this time.
        expires: Option<SystemTime>,
        /// Where the relay of a session may connect.
        relay: Option<Endpoint>,
    },
    /// Messages and frames go over the relay of a session.
    Relay(Endpoint),
}

/// An instruction of the sidecar while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Kill the program.
    Cancel,
    /// The input has ended, and the program continues.
    Detached,
    /// The program continues.
    Continue,
}

impl Channel {
    /// Opens the channel that the options describe.
    pub(crate) fn open(options: &Options) -> Self {
        let transport = match &options.program {
            Some(folder) => {
                Transport::LogAndVolume { log: ContainerLog::open(), folder: Some(folder.clone()) }
            }
            None if options.log => {
                Transport::LogAndStdin { log: ContainerLog::open(), expires: options.expires, relay: None }
            }
            None => Transport::Pipes,
        };
        Self { transport, decoder: Decoder::with_max_body(MAX_MESSAGE), number: CONTROL }
    }

    /// Listens for the relay of a session, in the network namespace that this process has now.
    pub(crate) fn listen(&mut self, secret: &str) -> Result<(), Error> {
        if let Transport::LogAndStdin { relay, .. } = &mut self.transport {
            *relay = Some(Endpoint::listen(secret).context("listen for the relay of a session")?);
        }
        Ok(())
    }

    /// The relay that all messages and frames go over, if one has connected.
    pub(crate) fn relay(&self) -> Option<&Endpoint> {
        match &self.transport {
            Transport::Relay(relay) => Some(relay),
            _ => None,
        }
    }

    /// The same, to use it, with the decoder of what it receives.
    pub(crate) fn relay_mut(&mut self) -> Option<(&mut Endpoint, &mut Decoder<Message>)> {
        match &mut self.transport {
            Transport::Relay(relay) => Some((relay, &mut self.decoder)),
            _ => None,
        }
    }

    /// Says what the runner can do, and receives the same of the sidecar.
    pub(crate) fn greet(&mut self) -> Result<(), Error> {
        self.send(&Frame::Hello(Hello::of_this_version(&[])))?;
        match self.receive()? {
            (CONTROL, Message::Hello(hello)) => Ok(hello.check()?),
            _ => Err(Malformed.into()),
        }
    }

    /// From now on, all frames are those of the execution with this channel. There is no session.
    pub(crate) fn start_execution(&mut self, number: u32) {
        self.number = number;
        if let Transport::LogAndStdin { relay, .. } = &mut self.transport {
            *relay = None;
        }
    }

    /// How long to wait before output is sent, if at all.
    pub(crate) fn throttle(&self) -> Option<Duration> {
        match &self.transport {
            Transport::Pipes | Transport::Relay(_) => None,
            Transport::LogAndVolume { log, .. } | Transport::LogAndStdin { log, .. } => {
                log.throttle(MAX_WRITE)
            }
        }
    }

    /// Sends one frame, after the delay that [`throttle`](Self::throttle) returns.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        if let Transport::Relay(relay) = &mut self.transport {
            relay.push(&encode(self.number, frame)?);
            return relay.flush();
        }
        for bytes in encode(self.number, frame)?.chunks(MAX_WRITE) {
            if let Some(delay) = self.throttle() {
                thread::sleep(delay);
            }
            match self.log() {
                Some(log) => log.write(bytes),
                None => stdio::write_all(bytes),
            }
            .map_err(|_| Error::ChannelClosed)?;
        }
        Ok(())
    }

    /// Waits, after the last frame, for its reader: for one that attaches late, to which it replays the log, or for the
    /// relay.
    pub(crate) fn wait_for_reader(&mut self) -> Result<(), Error> {
        const STEP: &str = "wait for a reader";
        if let Transport::Relay(relay) = &mut self.transport {
            return relay.linger(LAST_FRAME_TIMEOUT);
        }
        let Some(log) = self.log().filter(|log| log.is_replay_pending()) else { return Ok(()) };
        let is_readable = stdio::wait_until_readable(Some(ATTACH_TIMEOUT)).context(STEP)?;
        if is_readable && stdio::discard(io::stdin().as_fd()).is_ok_and(|length| length > 0) {
            log.replay().context(STEP)?;
        }
        Ok(())
    }

    /// Waits for the next message. Returns it with its channel.
    pub(crate) fn receive(&mut self) -> Result<(u32, Message), Error> {
        while let Transport::LogAndStdin { expires, relay, .. } = &mut self.transport {
            let timeout =
                expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
            let stdin = io::stdin();
            let mut poll = Poll::new();
            poll.add(Source::Stdin, Some(stdin.as_fd()), PollFlags::IN);
            relay.iter().for_each(|relay| relay.add_to(&mut poll, Source::Relay));
            let ready = stdio::wait(poll, timeout);
            match ready.context("wait for the program")?.as_slice() {
                [Source::Relay, ..] => self.accept_relay(),
                [Source::Stdin, ..] => break,
                _ => return Err(Error::ChannelClosed),
            }
        }
        match &mut self.transport {
            Transport::Pipes | Transport::LogAndStdin { .. } => {}
            Transport::Relay(relay) => return relay.next_message(&mut self.decoder),
            Transport::LogAndVolume { folder, .. } => {
                if let Some(folder) = folder.take() {
                    read_parts(&folder, |part| self.decoder.push(part))?;
                }
                return self.decoder.next()?.ok_or(Malformed.into());
            }
        }
        let received = read(&mut self.decoder, stdio::unbuffered_stdin().context("read the channel")?)?;
        // A client that sends its first message has not seen the log before it.
        if let Some(log) = self.log().filter(|log| log.is_replay_pending()) {
            log.replay().map_err(|_| Error::ChannelClosed)?;
        }
        Ok(received)
    }

    /// Uses the relay from now on, if one has connected.
    fn accept_relay(&mut self) {
        if let Transport::LogAndStdin { relay, .. } = &mut self.transport
            && relay.as_mut().is_some_and(Endpoint::accept)
            && let Some(relay) = relay.take()
        {
            self.decoder = Decoder::with_max_body(MAX_MESSAGE);
            self.transport = Transport::Relay(relay);
        }
    }

    /// Waits for the next message of the execution.
    pub(crate) fn receive_for_execution(&mut self) -> Result<Message, Error> {
        let (number, message) = self.receive()?;
        if number == self.number { Ok(message) } else { Err(Malformed.into()) }
    }

    /// Whether the end of the connection is seen at once. A reader of a log may be gone unseen.
    pub(crate) fn sees_its_end(&self) -> bool {
        matches!(self.transport, Transport::Pipes)
    }

    /// Appends a frame to bytes that the caller writes to standard output.
    pub(crate) fn append(
        &mut self,
        mut bytes: Vec<u8>,
        number: u32,
        frame: &Frame,
    ) -> Result<Vec<u8>, Error> {
        match self.log() {
            None => Ok(append(bytes, number, frame)?),
            Some(log) => {
                bytes.extend_from_slice(log.encode(&encode(number, frame)?).as_bytes());
                Ok(bytes)
            }
        }
    }

    /// Takes bytes that the caller has read from the input.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next message of those that were read, with its channel.
    pub(crate) fn next_available(&mut self) -> Result<Option<(u32, Message)>, Error> {
        Ok(self.decoder.next()?)
    }

    /// The sidecar's input. Once it is readable, call [`on_input`](Self::on_input).
    pub(crate) fn input(&self) -> io::Result<OwnedFd> {
        stdio::unbuffered_stdin().map(OwnedFd::from)
    }

    /// Handles readable input while the program runs. On a log, every byte requests a replay.
    pub(crate) fn on_input(&mut self, input: &OwnedFd) -> Result<Control, Error> {
        let received = stdio::discard(input.as_fd());
        match self.log() {
            None => match received.context("read the channel")? {
                0 => Ok(Control::Cancel),
                _ => Ok(Control::Continue),
            },
            Some(log) => match received {
                // A reader of a log may detach, or its connection may break.
                Ok(0) | Err(_) => Ok(Control::Detached),
                Ok(_) => {
                    log.replay().map_err(|_| Error::ChannelClosed)?;
                    Ok(Control::Continue)
                }
            },
        }
    }

    fn log(&mut self) -> Option<&mut ContainerLog> {
        match &mut self.transport {
            Transport::Pipes | Transport::Relay(_) => None,
            Transport::LogAndVolume { log, .. } | Transport::LogAndStdin { log, .. } => Some(log),
        }
    }
}
