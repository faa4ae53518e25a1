//! Supervises the program until it terminates: passes on its streams, enforces its limits, kills its
//! processes.

mod enforcement;
mod pipes;
pub(crate) mod termination;

use crate::{
    channel::{Channel, Control},
    error::{Context, Error},
    poll::Poll,
    usage::{Limit, Usage},
};
use cofferdam_protocol::{Program, Stream, Termination};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use pipes::{InputPipe, OutputPipe};
use rustix::event::PollFlags;
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

/// Between two checks of memory, processes and disk.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Capacity of a pipe: a read never returns more.
const BUFFER_BYTES: usize = 64 << 10;
const SIGTERM: u32 = Signal::SIGTERM as u32;

/// A source of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Stdin,
    Stdout,
    Stderr,
    Channel,
    Signals,
}

/// The exit of the program's first process.
#[derive(Debug, Clone, Copy)]
struct Exit {
    status: ExitStatus,
    /// When it exited. Time in which its output was throttled does not count.
    time: Instant,
}

struct Supervisor<'a> {
    channel: &'a mut Channel,
    /// The sidecar's input, `None` once it has ended.
    channel_input: Option<OwnedFd>,
    stdin: InputPipe<'a>,
    stdout: OutputPipe,
    stderr: OutputPipe,
    buffer: Vec<u8>,
    signals: SignalFd,
    child: Child,
    /// The init of the program's PID namespace. Killing it kills all processes of the program.
    init: Child,
    usage: Usage,
    next_check: Instant,
    /// When the program's time limit ends. `None` if that cannot be represented.
    deadline: Option<Instant>,
    /// Why the runner killed the program, if it did.
    kill_reason: Option<Termination>,
    exit: Option<Exit>,
}

/// Supervises the program until it terminates and no process of it exists.
pub(crate) fn supervise(
    channel: &mut Channel,
    program: &Program,
    mut child: Child,
    init: Child,
    usage: Usage,
) -> Result<Termination, Error> {
    let limits = &program.limits;
    let stdin = InputPipe::open(child.stdin.take(), &program.stdin)?;
    let stdout = OutputPipe::open(child.stdout.take(), Stream::Stdout, limits.output_bytes)?;
    let stderr = OutputPipe::open(child.stderr.take(), Stream::Stderr, limits.output_bytes)?;
    let channel_input = channel.input().context("watch the channel")?;
    let signals = open_signals()?;
    let supervisor = Supervisor {
        channel,
        channel_input: Some(channel_input),
        stdin,
        stdout,
        stderr,
        buffer: vec![0; BUFFER_BYTES],
        signals,
        child,
        init,
        usage,
        next_check: Instant::now() + CHECK_INTERVAL,
        deadline: Instant::now().checked_add(Duration::from_millis(limits.wall_time_ms)),
        kill_reason: None,
        exit: None,
    };
    supervisor.run()
}

/// Receives SIGCHLD, and SIGTERM with which a kubelet cancels the program. A child would inherit the blocked
/// signals, so this follows the start of the last child.
fn open_signals() -> Result<SignalFd, Error> {
    const STEP: &str = "watch for the program's exit";
    let mut signals = SigSet::from(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context(STEP)?;
    SignalFd::new(&signals).context(STEP)
}

impl Supervisor<'_> {
    /// The event loop.
    fn run(mut self) -> Result<Termination, Error> {
        // The child may have exited before the signals were blocked.
        self.reap()?;
        let mut iteration_started = Instant::now();
        while !self.is_finished()? {
            let throttled = self.channel.throttle().is_some();
            let elapsed = iteration_started.elapsed();
            iteration_started = Instant::now();
            if throttled {
                self.extend_deadlines(elapsed);
            }
            for token in self.wait(throttled)? {
                self.handle(token)?;
            }
            self.enforce_limits()?;
        }
        self.finish()
    }

    /// Waits for events, at most until the next check or deadline.
    fn wait(&self, throttled: bool) -> Result<Vec<Token>, Error> {
        let mut poll = Poll::new();
        poll.add(Token::Stdin, self.stdin.fd(), PollFlags::OUT);
        // A throttled program blocks at its full pipe. Its limits still apply.
        if !throttled {
            poll.add(Token::Stdout, self.stdout.fd(), PollFlags::IN);
            poll.add(Token::Stderr, self.stderr.fd(), PollFlags::IN);
        }
        poll.add(Token::Channel, self.channel_input.as_ref().map(AsFd::as_fd), PollFlags::IN);
        poll.add(Token::Signals, Some(self.signals.as_fd()), PollFlags::IN);
        let until = match (self.exit, self.deadline) {
            (None, Some(deadline)) => deadline.min(self.next_check),
            (None, None) => self.next_check,
            // A signal reports the exit of the init, and may be lost.
            (Some(_), _) => Instant::now() + CHECK_INTERVAL,
        };
        match poll.wait(Some(until.saturating_duration_since(Instant::now()))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
            ready => ready.context("wait for the program"),
        }
    }

    fn handle(&mut self, token: Token) -> Result<(), Error> {
        match token {
            Token::Stdin => self.stdin.write_available(),
            Token::Stdout => {
                self.stdout.forward(self.channel, &mut self.buffer)?;
            }
            Token::Stderr => {
                self.stderr.forward(self.channel, &mut self.buffer)?;
            }
            Token::Channel => self.on_channel_input()?,
            Token::Signals => self.on_signal()?,
        }
        Ok(())
    }

    fn on_channel_input(&mut self) -> Result<(), Error> {
        let Some(input) = self.channel_input.take() else { return Ok(()) };
        match self.channel.on_input(&input)? {
            Control::Cancel => self.kill(Termination::Cancelled)?,
            Control::Detached => {}
            Control::Continue => self.channel_input = Some(input),
        }
        Ok(())
    }

    fn on_signal(&mut self) -> Result<(), Error> {
        let signal = self.signals.read_signal().context("read a signal")?;
        if signal.is_some_and(|signal| signal.ssi_signo == SIGTERM) {
            self.kill(Termination::Cancelled)?;
        }
        self.reap()
    }

    /// Records the exit of the program's first process.
    fn reap(&mut self) -> Result<(), Error> {
        if self.exit.is_some() {
            return Ok(());
        }
        let status = termination::try_wait(&self.child).context("read the program's exit status")?;
        let Some(status) = status else { return Ok(()) };
        if self.kill_reason.is_none()
            && !status.success()
            && self.usage.exceeded_limit(self.memory_bytes())? == Some(Limit::Processes)
        {
            self.kill_reason = Some(Termination::OutOfProcesses);
        }
        self.exit = Some(Exit { status, time: Instant::now() });
        self.stdin.close();
        Ok(())
    }

    /// Sends the rest of the output. A pipe may still be open: its other end may be in a socket's buffer.
    fn finish(mut self) -> Result<Termination, Error> {
        while self.stdout.forward(self.channel, &mut self.buffer)? {}
        while self.stderr.forward(self.channel, &mut self.buffer)? {}
        for tail in [self.stdout.finish(), self.stderr.finish()].into_iter().flatten() {
            self.channel.send(&tail)?;
        }
        Ok(match self.exit {
            Some(exit) => termination::classify(exit.status, self.kill_reason, self.usage.disk_was_full()),
            None => Termination::Killed(0),
        })
    }
}
