//! Starts the launcher of an execution, with the runner's ends of the program's streams.

use super::{input::Input, output::Output};
use crate::{
    error::{Context, Error},
    launcher::{self, handover},
};
use cofferdam_protocol::{Command, Decoder, Frame, Preparation, Stream, TerminalSize};
use rustix::{
    fs::{Mode, OFlags, open},
    io::ioctl_fionbio,
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    fs::File,
    io::{self, ErrorKind, PipeReader, Read, Write, pipe},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::Stdio,
};

/// Longest report of a launcher.
const MAX_REPORT: u64 = 64 << 10;

/// A launcher, and the runner's end of the socket to it.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) pid: Pid,
    socket: UnixStream,
    decoder: Decoder<Frame>,
    is_open: bool,
}

/// The runner's ends of a program's streams.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) input: Input<File>,
    pub(super) outputs: [Output; 2],
    pub(super) terminal: Option<OwnedFd>,
}

impl Launcher {
    /// Starts a launcher, which waits for its command. Programs may have so many open files.
    pub(super) fn start(open_files: Option<u64>) -> Result<Self, Error> {
        const STEP: &str = "start the launcher of an execution";
        let (socket, launcher_end) = UnixStream::pair().context(STEP)?;
        let mut process = std::process::Command::new("/proc/self/exe");
        process.arg(launcher::ARGUMENT).args(open_files.map(|files| files.to_string()));
        // The runner's own standard error may be the log that contains the frames.
        process.stdin(OwnedFd::from(launcher_end)).stdout(Stdio::null()).stderr(Stdio::null());
        let pid = Pid::from_child(&process.spawn().context(STEP)?);
        ioctl_fionbio(&socket, true).context(STEP)?;
        Ok(Self { pid, socket, decoder: Decoder::with_max_body(MAX_REPORT), is_open: true })
    }

    /// Hands a command over to it. Returns the runner's ends of the program's streams.
    pub(super) fn hand_over(&self, session: &Preparation, command: Command) -> Result<Streams, Error> {
        let (streams, program_ends) = Streams::open(&command)?;
        // It may be dead already, which its end reports.
        let _ = handover::send(&self.socket, session, command, &program_ends);
        Ok(streams)
    }

    /// The socket to poll.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.is_open.then(|| self.socket.as_fd())
    }

    /// The next report, if there is one now.
    pub(super) fn report(&mut self) -> Result<Option<Frame>, Error> {
        let mut bytes = [0; 512];
        loop {
            if let Some((_, report)) = self.decoder.next()? {
                return Ok(Some(report));
            }
            match retry(|| self.socket.read(&mut bytes)) {
                Ok(None) => return Ok(None),
                Ok(Some(length)) if length > 0 => self.decoder.push(&bytes[..length]),
                _ => {
                    self.is_open = false;
                    return Ok(None);
                }
            }
        }
    }

    /// Asks it to send a signal to its program. One that does not take the request has died or was stopped.
    pub(super) fn request_signal(&mut self, message: &[u8]) {
        let _ = self.socket.write_all(message);
    }
}

impl Streams {
    /// Opens the streams of a command. Returns both the runner's ends, which never block, and the program's.
    fn open(command: &Command) -> Result<(Self, Vec<OwnedFd>), Error> {
        const STEP: &str = "open the program's streams";
        let limit = command.limits.output_bytes;
        if let Some(size) = command.terminal {
            let (terminal, program_end) = open_terminal(size).context("open a terminal")?;
            let clone = || terminal.try_clone().map(File::from).context(STEP);
            let streams = Self {
                input: Input::new(command.has_stdin.then(clone).transpose()?, true),
                outputs: [
                    Output::new(Some(clone()?), Stream::Stdout, true, limit),
                    Output::new(None, Stream::Stderr, true, None),
                ],
                terminal: Some(terminal),
            };
            return Ok((streams, vec![program_end]));
        }
        let mut program_ends = Vec::new();
        let mut input = None;
        if command.has_stdin {
            let (reader, writer) = pipe().context(STEP)?;
            ioctl_fionbio(&writer, true).context(STEP)?;
            program_ends.push(reader.into());
            input = Some(OwnedFd::from(writer).into());
        }
        let mut output = |stream| {
            let (reader, writer): (PipeReader, _) = pipe().context(STEP)?;
            ioctl_fionbio(&reader, true).context(STEP)?;
            program_ends.push(writer.into());
            Ok::<_, Error>(Output::new(Some(OwnedFd::from(reader).into()), stream, false, limit))
        };
        let outputs = [output(Stream::Stdout)?, output(Stream::Stderr)?];
        Ok((Self { input: Input::new(input, false), outputs, terminal: None }, program_ends))
    }
}

/// Opens a terminal: the runner's end, and the program's.
fn open_terminal(size: TerminalSize) -> io::Result<(OwnedFd, OwnedFd)> {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    resize(&terminal, size)?;
    let path = ptsname(&terminal, Vec::new())?;
    let program_end = open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    ioctl_fionbio(&terminal, true)?;
    Ok((terminal, program_end))
}

/// Changes the size of a terminal.
pub(super) fn resize(terminal: &OwnedFd, size: TerminalSize) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}

/// Repeats a call that a signal interrupts. None: it would block.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            result => return result.map(Some),
        }
    }
}
