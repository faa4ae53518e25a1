//! The channel to the sidecar. Messages and the program come in; frames go out on standard output.

use crate::{
    container_log::{ATTACH_TIMEOUT, ContainerLog},
    error::{Context, Error},
    options::Options,
    stdio,
};
use cofferdam_protocol::{CONTROL, Decoder, Frame, Hello, Malformed, Message, append, encode};
use rustix::io::Errno;
use std::{
    fs,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

/// Longest message in bytes: the largest program that the contract allows, and some.
const MAX_MESSAGE: u64 = 64 << 20;
/// Most bytes that are read at once.
const MAX_READ: usize = 64 << 10;
/// Most bytes that are written at once. A frame may be longer.
const MAX_WRITE: usize = 96 << 10;

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
    },
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
                Transport::LogAndStdin { log: ContainerLog::open(), expires: options.expires }
            }
            None => Transport::Pipes,
        };
        Self { transport, decoder: Decoder::with_max_body(MAX_MESSAGE), number: CONTROL }
    }

    /// Says what the runner can do, and receives the same of the sidecar.
    pub(crate) fn greet(&mut self) -> Result<(), Error> {
        self.send(&Frame::Hello(Hello::of_this_version(&[])))?;
        match self.receive()? {
            (CONTROL, Message::Hello(hello)) => Ok(hello.check()?),
            _ => Err(Malformed.into()),
        }
    }

    /// From now on, all frames are those of the execution with this channel.
    pub(crate) fn start_execution(&mut self, number: u32) {
        self.number = number;
    }

    /// How long to wait before output is sent, if at all.
    pub(crate) fn throttle(&self) -> Option<Duration> {
        match &self.transport {
            Transport::Pipes => None,
            Transport::LogAndVolume { log, .. } | Transport::LogAndStdin { log, .. } => {
                log.throttle(MAX_WRITE)
            }
        }
    }

    /// Sends one frame, after the delay that [`throttle`](Self::throttle) returns.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
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

    /// Waits, after the last frame, for a reader that attaches late, and replays the log to it.
    pub(crate) fn wait_for_late_reader(&mut self) -> Result<(), Error> {
        const STEP: &str = "wait for a reader";
        let Some(log) = self.log().filter(|log| log.is_replay_pending()) else { return Ok(()) };
        let is_readable = stdio::wait_until_readable(Some(ATTACH_TIMEOUT)).context(STEP)?;
        if is_readable && stdio::discard(io::stdin().as_fd()).is_ok_and(|length| length > 0) {
            log.replay().context(STEP)?;
        }
        Ok(())
    }

    /// Waits for the next message. Returns it with its channel.
    pub(crate) fn receive(&mut self) -> Result<(u32, Message), Error> {
        match &mut self.transport {
            Transport::Pipes => {}
            Transport::LogAndVolume { folder, .. } => {
                if let Some(folder) = folder.take() {
                    read_parts(&folder, |part| self.decoder.push(part))?;
                }
                return self.decoder.next()?.ok_or(Malformed.into());
            }
            Transport::LogAndStdin { expires, .. } => {
                let timeout =
                    expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
                if !stdio::wait_until_readable(timeout).context("wait for the program")? {
                    return Err(Error::ChannelClosed);
                }
            }
        }
        let received = read(&mut self.decoder, stdio::unbuffered_stdin().context("read the channel")?)?;
        // A client that sends its first message has not seen the log before it.
        if let Some(log) = self.log().filter(|log| log.is_replay_pending()) {
            log.replay().map_err(|_| Error::ChannelClosed)?;
        }
        Ok(received)
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

    /// Reads once what is there. Returns false if no more can follow.
    pub(crate) fn read_available(&mut self, input: &OwnedFd, buffer: &mut [u8]) -> Result<bool, Error> {
        match rustix::io::read(input, &mut *buffer) {
            Ok(0) => Ok(false),
            Ok(length) => {
                self.decoder.push(&buffer[..length]);
                Ok(true)
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(true),
            Err(_) => Ok(false),
        }
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
            Transport::Pipes => None,
            Transport::LogAndVolume { log, .. } | Transport::LogAndStdin { log, .. } => Some(log),
        }
    }
}

/// Reads the files of `folder`, which together are the messages, in the order of their names.
fn read_parts(folder: &Path, mut push: impl FnMut(&[u8])) -> Result<(), Error> {
    let mut parts = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .context("list the program's volume")?;
    // Kubernetes' own entries in a volume begin with dots.
    parts.retain(|part| part.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    parts.sort();
    parts.iter().try_for_each(|part| fs::read(part).map(|bytes| push(&bytes))).context("read the program")
}

/// Reads the next message, and nothing that follows it: bytes after the last message have a meaning of their own.
fn read(decoder: &mut Decoder<Message>, mut input: impl Read) -> Result<(u32, Message), Error> {
    loop {
        if let Some(received) = decoder.next()? {
            return Ok(received);
        }
        let length = decoder.missing().min(MAX_READ);
        let mut bytes = Vec::with_capacity(length);
        let read = input.by_ref().take(length as u64).read_to_end(&mut bytes);
        if read.is_err() || bytes.is_empty() {
            return Err(Error::ChannelClosed);
        }
        decoder.push(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_without_what_follows_it() {
        let messages =
            [(CONTROL, Message::Ping), (1, Message::Content(vec![7; 3 * MAX_READ + 1])), (1, Message::Start)];
        let bytes = messages.iter().flat_map(|(channel, message)| encode(*channel, message).expect("short"));
        let bytes: Vec<u8> = bytes.chain(*b"rest").collect();
        let (mut decoder, mut input) = (Decoder::default(), bytes.as_slice());
        for message in messages {
            assert_eq!(read(&mut decoder, &mut input).expect("a message"), message);
        }
        assert_eq!(input, b"rest");
    }

    #[test]
    fn an_incomplete_or_malformed_message_is_an_error() {
        let bytes = encode(1, &Message::Content(vec![7; 9])).expect("short");
        let read = |mut bytes: &[u8]| read(&mut Decoder::with_max_body(9), &mut bytes);
        for length in 0..bytes.len() {
            assert!(matches!(read(&bytes[..length]), Err(Error::ChannelClosed)), "{length}");
        }
        let long = encode(1, &Message::Content(vec![7; 10])).expect("short");
        assert!(matches!(read(&long), Err(Error::Message(_))));
    }

    #[test]
    fn the_parts_of_a_folder_are_read_in_order() {
        let folder = std::env::temp_dir().join(format!("cofferdam-parts-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        for (name, content) in [("001", "second"), ("000", "first"), ("..data", "no")] {
            fs::write(folder.join(name), content).expect("a file");
        }
        let mut all = Vec::new();
        read_parts(&folder, |part| all.extend_from_slice(part)).expect("parts");
        fs::remove_dir_all(&folder).expect("it exists");
        assert_eq!(all, b"firstsecond");
    }
}
