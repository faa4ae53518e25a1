//! A session: any number of executions in one sandbox, at once and one after another. Its event loop never waits for
//! a program or for the sidecar alone, so that deadlines and limits hold whatever these do.

mod connection;
mod enforcement;
mod execution;
mod input;
mod killing;
mod launch;
mod launchers;
mod output;
mod timers;

use crate::{
    channel::Channel,
    error::{Context, Error},
    isolation,
    poll::Poll,
    prewarm::PreparedSandbox,
    processes::Processes,
    usage::Usage,
};
use cofferdam_protocol::{CONTROL, Command, Deadlines, Frame, Malformed, Message, Preparation, SessionEnd};
use connection::Connection;
use execution::{Execution, Terms};
use killing::Killing;
use launchers::Launchers;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    event::PollFlags,
    process::{Pid, Resource, Rlimit, WaitOptions, getrlimit, setrlimit, wait},
};
use std::{
    collections::BTreeMap,
    io,
    os::fd::AsFd,
    process::Child,
    time::{Duration, Instant},
};
use timers::Timers;

/// Bytes that are read at once. A pipe has no more by default.
const BUFFER_BYTES: usize = 64 << 10;
/// How long the last frames may take, with all processes dead.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Most files that the runner opens: four for each execution.
const MAX_OPEN_FILES: u64 = 64 << 10;
const SIGTERM: u32 = Signal::SIGTERM as u32;

/// A source of events.
#[derive(Debug, Clone, Copy)]
enum Token {
    Messages,
    Frames,
    Signals,
    Launcher(u32),
    Input(u32),
    Output(u32, usize),
}

struct Session<'a> {
    connection: Connection<'a>,
    signals: SignalFd,
    /// The init of the session's PID namespace. Killing it kills all processes of the session.
    init: Pid,
    preparation: Preparation,
    launchers: Launchers,
    usage: Usage,
    processes: Processes,
    timers: Timers,
    /// By their channels.
    executions: BTreeMap<u32, Execution>,
    last_channel: u32,
    next_check: Instant,
    /// The killing of orphans, if there may be some.
    orphans: Option<Killing>,
    buffer: Vec<u8>,
}

/// Executes what the sidecar asks for until the session ends. Returns the last frame.
pub(crate) fn run(
    channel: &mut Channel,
    sandbox: PreparedSandbox,
    deadlines: Deadlines,
    mut init: Child,
    processes: Processes,
) -> Result<Frame, Error> {
    let (preparation, usage) = sandbox.into_session()?;
    isolation::drop_privileges()?;
    let connection = Connection::open(channel)?;
    let mut session = Session {
        timers: Timers::start(deadlines, connection.sees_its_end(), Instant::now()),
        connection,
        signals: open_signals()?,
        init: Pid::from_child(&init),
        preparation,
        launchers: Launchers::new(raise_open_files()?, Instant::now()),
        usage,
        processes,
        executions: BTreeMap::new(),
        last_channel: CONTROL,
        next_check: Instant::now(),
        orphans: None,
        buffer: vec![0; BUFFER_BYTES],
    };
    session.connection.push(CONTROL, &Frame::Ready)?;
    let end = session.run();
    // All processes of the session die with it.
    let _ = init.kill();
    match end? {
        Some(end) => session.connection.close(CLOSE_TIMEOUT).map(|()| Frame::SessionEnded(end)),
        None => Err(Error::ChannelClosed),
    }
}

/// Receives SIGCHLD, and SIGTERM with which a kubelet ends the session.
fn open_signals() -> Result<SignalFd, Error> {
    const STEP: &str = "watch for the ends of processes";
    let mut signals = SigSet::from(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context(STEP)?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).context(STEP)
}

/// Lets the runner open files for many executions. Returns the limit so far.
fn raise_open_files() -> Result<Option<u64>, Error> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(MAX_OPEN_FILES, |maximum| maximum.min(MAX_OPEN_FILES));
    if current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .context("raise the limit of open files")?;
    }
    Ok(current)
}

impl Session<'_> {
    /// The event loop. Returns why the session ends, or nothing if the sidecar has ended it.
    fn run(&mut self) -> Result<Option<SessionEnd>, Error> {
        loop {
            let end = self.enforce()?;
            self.connection.flush()?;
            if end.is_some() {
                return Ok(end);
            }
            let ready = self.wait()?;
            if ready.is_empty() {
                self.launchers.prepare(&mut self.usage, Instant::now());
            }
            for token in ready {
                if !self.handle(token)? {
                    return Ok(None);
                }
            }
        }
    }

    /// Waits for events, at most until something is due.
    fn wait(&self) -> Result<Vec<Token>, Error> {
        let mut poll = Poll::new();
        let stdout = io::stdout();
        self.connection.add_to(&mut poll, (Token::Messages, Token::Frames), stdout.as_fd());
        poll.add(Token::Signals, Some(self.signals.as_fd()), PollFlags::IN);
        for (channel, execution) in &self.executions {
            poll.add(Token::Launcher(*channel), execution.launcher.fd(), PollFlags::IN);
            poll.add(Token::Input(*channel), execution.streams.input.fd(), PollFlags::OUT);
            for index in (0..execution.streams.outputs.len()).filter(|_| self.connection.has_room()) {
                poll.add(Token::Output(*channel, index), execution.output_fd(index), PollFlags::IN);
            }
        }
        let until = self.next_event();
        match poll.wait(until.map(|until| until.saturating_duration_since(Instant::now()))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
            ready => ready.context("wait for the session"),
        }
    }

    /// Returns false if the session has ended.
    fn handle(&mut self, token: Token) -> Result<bool, Error> {
        match token {
            Token::Messages => return self.receive(),
            Token::Signals => return self.on_signal(),
            Token::Frames => {}
            Token::Launcher(channel) => {
                if let Some(execution) = self.executions.get_mut(&channel) {
                    execution.read_reports(&self.processes, &mut self.connection)?;
                    self.check_ended(channel)?;
                }
            }
            Token::Input(channel) => {
                if let Some(execution) = self.executions.get_mut(&channel) {
                    execution.write_input(&mut self.connection)?;
                }
            }
            Token::Output(channel, index) => {
                if let Some(execution) =
                    self.executions.get_mut(&channel).filter(|_| self.connection.has_room())
                {
                    execution.read_output(index, &mut self.buffer, &mut self.connection)?;
                }
            }
        }
        Ok(true)
    }

    /// Handles the messages that are there. Returns false at their end.
    fn receive(&mut self) -> Result<bool, Error> {
        if !self.connection.read(&mut self.buffer)? {
            return Ok(false);
        }
        while let Some((channel, message)) = self.connection.next()? {
            let now = Instant::now();
            self.timers.on_message(message == Message::Ping, now);
            match (channel, message) {
                (CONTROL, Message::Ping) => self.connection.push(CONTROL, &Frame::Ready)?,
                (CONTROL, Message::Deadlines(deadlines)) => self.timers.replace(deadlines, now),
                (channel, Message::Measure) => {
                    let usage = self.measure()?;
                    self.connection.push(channel, &Frame::Usage(usage))?;
                }
                (channel, Message::Execute(command)) if channel > self.last_channel => {
                    self.last_channel = channel;
                    self.execute(channel, command)?;
                }
                (CONTROL, _) | (_, Message::Execute(_)) => return Err(Malformed.into()),
                (channel, message) => {
                    if let Some(execution) = self.executions.get_mut(&channel) {
                        execution.on_message(message, &mut self.connection)?;
                    }
                }
            }
        }
        Ok(true)
    }

    fn execute(&mut self, channel: u32, command: Command) -> Result<(), Error> {
        let (terms, disk_is_full) = (Terms::of(&command), Usage::disk_is_full()?);
        let handed_over = self.launchers.take(&mut self.usage, Instant::now()).and_then(|launcher| {
            let streams = launcher.hand_over(&self.preparation, command);
            streams.map(|streams| (launcher, streams))
        });
        match handed_over {
            Ok(launched) => {
                self.executions.insert(channel, Execution::new(channel, launched, terms, disk_is_full));
                Ok(())
            }
            Err(error) => self.connection.push(channel, &Frame::Failed(error.to_string())),
        }
    }

    /// Returns false if the session is to end.
    fn on_signal(&mut self) -> Result<bool, Error> {
        while let Some(signal) = self.signals.read_signal().context("read a signal")? {
            if signal.ssi_signo == SIGTERM {
                return Ok(false);
            }
        }
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            let has_ended = status.exited() || status.signaled();
            if pid == self.init {
                if has_ended {
                    return Err(Error::InitKilled);
                }
                continue;
            }
            // Every other child is a launcher.
            self.usage.remove_runner_processes(u32::from(has_ended));
            if self.launchers.on_status(pid, status, &self.processes, Instant::now())? {
                continue;
            }
            let execution = self.executions.iter_mut().find(|(_, execution)| execution.launcher.pid == pid);
            let Some((channel, execution)) = execution else { continue };
            let channel = *channel;
            let orphans = execution.on_launcher(status, &self.processes, &mut self.connection)?;
            if orphans {
                self.orphans = Some(Killing::start(Instant::now()));
            }
            self.check_ended(channel)?;
        }
        Ok(true)
    }

    /// Bytes of memory that are the runner's and depend on what programs do.
    fn memory_bytes(&self) -> u64 {
        self.connection.memory_bytes() + self.executions.values().map(Execution::memory_bytes).sum::<u64>()
    }

    /// Whether the sidecar waits for the end of an execution.
    fn is_executing(&self) -> bool {
        self.executions.values().any(Execution::is_executing)
    }
}
