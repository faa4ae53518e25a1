//! From the program's start to its end: feeding it, passing on its output, holding it to its bounds, killing what is left.

use crate::{
    channel::{Channel, Wish},
    error::{During, Error},
    output::Output,
    usage::{Over, Usage},
};
use cofferdam_protocol::{Ending, Limits, Program, Stream};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionbio},
    process::{Pid, WaitOptions, waitpid},
};
use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus},
    time::{Duration, Instant},
};

/// Between two looks at memory, processes and disk.
const LOOK: Duration = Duration::from_millis(20);
/// How long what the program left behind may still write, if its first process ended by itself: a `tee` that was not
/// waited for has its say, a daemon does not.
const LINGER: Duration = Duration::from_millis(300);
/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// A pipe's capacity: no read gives more.
const CHUNK: usize = 64 << 10;
const SIGKILL: i32 = Signal::SIGKILL as i32;
const SIGTERM: u32 = Signal::SIGTERM as u32;

/// Tells of children's ends, and of the wish that the program end: from a kubelet that wish is a signal. A child would
/// inherit the blocked signals, so there is one already: look once by hand.
fn watch_signals() -> Result<SignalFd, Error> {
    const STEP: &str = "watch for the program's end";
    let mut watched = SigSet::from(Signal::SIGCHLD);
    watched.add(Signal::SIGTERM);
    watched.thread_block().during(STEP)?;
    SignalFd::new(&watched).during(STEP)
}

/// Follows the program to its end and gives it.
pub(crate) fn until_end(
    channel: &mut Channel,
    program: &Program,
    mut child: Child,
    init: Child,
    usage: Usage,
) -> Result<Ending, Error> {
    let Limits { output_bytes, wall_time_ms, .. } = program.limits;
    let stdin = child.stdin.take();
    // The program can open its end of a pipe once more and take what the runner was about to read.
    for pipe in [
        stdin.as_ref().map(AsFd::as_fd),
        child.stdout.as_ref().map(AsFd::as_fd),
        child.stderr.as_ref().map(AsFd::as_fd),
    ]
    .into_iter()
    .flatten()
    {
        ioctl_fionbio(pipe, true).during("connect the program's streams")?;
    }
    let supervision = Supervision {
        stdin: stdin.map(|pipe| (pipe, program.stdin.as_slice())),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        lifeline: Some(channel.lifeline().during("watch the channel")?),
        hung_up: false,
        signals: watch_signals()?,
        child,
        init,
        usage,
        exit: None,
        ended: None,
        killed: None,
    };
    let outputs = Outputs {
        stdout: Output::new(Stream::Stdout, output_bytes),
        stderr: Output::new(Stream::Stderr, output_bytes),
    };
    supervision.run(channel, outputs, Instant::now().checked_add(Duration::from_millis(wall_time_ms)))
}

struct Outputs {
    stdout: Output,
    stderr: Output,
}

impl Outputs {
    fn held(&self) -> u64 {
        self.stdout.held() + self.stderr.held()
    }
}

/// A pipe that has ended is none.
struct Supervision<'a> {
    stdin: Option<(ChildStdin, &'a [u8])>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    lifeline: Option<OwnedFd>,
    /// Whether the sidecar has closed the channel, or the kubelet wants the end.
    hung_up: bool,
    signals: SignalFd,
    child: Child,
    init: Child,
    usage: Usage,
    /// How the first process ended, once it has.
    exit: Option<ExitStatus>,
    /// When that was.
    ended: Option<Instant>,
    /// Why it was killed, if it was.
    killed: Option<Ending>,
}

impl Supervision<'_> {
    fn run(mut self, channel: &mut Channel, mut outputs: Outputs, deadline: Option<Instant>) -> Result<Ending, Error> {
        self.see_exit(&outputs)?;
        let mut next_look = Instant::now() + LOOK;
        let mut chunk = vec![0; CHUNK];
        let mut deadline = deadline;
        let mut last_turn = Instant::now();
        while !self.is_over(deadline)? {
            let takes_output = channel.holds_back().is_none();
            let turn = last_turn.elapsed();
            last_turn = Instant::now();
            if !takes_output {
                // The time that its output is held back is not the program's.
                deadline = deadline.and_then(|deadline| deadline.checked_add(turn));
                self.ended = self.ended.map(|ended| ended + turn);
            }
            // A program whose output is held back waits at its pipe; its bounds hold all the same.
            let ready = self.wait(next_look, deadline, takes_output)?;
            if ready.stdin {
                self.feed();
            }
            if ready.stdout {
                pass_on(channel, &mut self.stdout, &mut outputs.stdout, &mut chunk)?;
            }
            if ready.stderr {
                pass_on(channel, &mut self.stderr, &mut outputs.stderr, &mut chunk)?;
            }
            if let Some(lifeline) = self.lifeline.take_if(|_| ready.lifeline) {
                match channel.attend(&lifeline)? {
                    Wish::End => self.give_up()?,
                    Wish::NothingMore => {}
                    Wish::GoOn => self.lifeline = Some(lifeline),
                }
            }
            if ready.signal {
                let signal = self.signals.read_signal().during("learn that a process ended")?;
                if signal.is_some_and(|signal| signal.ssi_signo == SIGTERM) {
                    self.give_up()?;
                }
                self.see_exit(&outputs)?;
            }
            if self.exit.is_none() && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.kill(Ending::TimedOut)?;
            }
            if self.exit.is_none() && Instant::now() >= next_look {
                self.look(&outputs)?;
                next_look = Instant::now() + LOOK;
            }
        }
        // Nothing writes any more. A pipe need not have ended for that: its other end may be on its way to nobody.
        while pass_on(channel, &mut self.stdout, &mut outputs.stdout, &mut chunk)? {}
        while pass_on(channel, &mut self.stderr, &mut outputs.stderr, &mut chunk)? {}
        for tail in [outputs.stdout.end(), outputs.stderr.end()].into_iter().flatten() {
            channel.send(&tail)?;
        }
        Ok(self.exit.map_or(Ending::Killed(0), |exit| ending(exit, self.killed, self.usage.disk_was_full())))
    }

    /// Whether no process of the program is left. Where its first has left others, their init is the last to go.
    fn is_over(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        let Some(ended) = self.ended else { return Ok(false) };
        // Nobody is there who could start another.
        if self.usage.is_alone() {
            return Ok(true);
        }
        let silent = self.stdout.is_none() && self.stderr.is_none();
        let overdue = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if !silent && !overdue && self.killed.is_none() && !self.hung_up && ended.elapsed() < LINGER {
            return Ok(false);
        }
        self.init.kill().during("kill what the program left")?;
        let init = self.init.try_wait().during("learn that all processes have ended")?;
        Ok(init.is_some() || ended.elapsed() > PATIENCE)
    }

    /// Waits until something is ready or a clock is due.
    fn wait(&self, next_look: Instant, deadline: Option<Instant>, takes_output: bool) -> Result<Ready, Error> {
        let due = match (deadline, self.exit) {
            (Some(deadline), None) => deadline.min(next_look),
            (None, None) => next_look,
            // The init's end is told by a signal; this bounds the wait for one that is lost.
            (_, Some(_)) => Instant::now() + LOOK,
        };
        let left = due.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let sources: [Option<(BorrowedFd<'_>, PollFlags)>; 5] = [
            self.stdin.as_ref().map(|(pipe, _)| (pipe.as_fd(), PollFlags::OUT)),
            self.stdout.as_ref().filter(|_| takes_output).map(|pipe| (pipe.as_fd(), PollFlags::IN)),
            self.stderr.as_ref().filter(|_| takes_output).map(|pipe| (pipe.as_fd(), PollFlags::IN)),
            self.lifeline.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
            Some((self.signals.as_fd(), PollFlags::IN)),
        ];
        let mut fds: Vec<PollFd<'_>> =
            sources.iter().flatten().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).during("wait for the program"),
        }
        let mut polled = fds.iter();
        let [stdin, stdout, stderr, lifeline, signal] =
            sources.map(|source| source.is_some() && polled.next().is_some_and(|fd| !fd.revents().is_empty()));
        Ok(Ready { stdin, stdout, stderr, lifeline, signal })
    }

    /// Gives the program as much of its standard input as it takes now.
    fn feed(&mut self) {
        let Some((pipe, rest)) = &mut self.stdin else { return };
        match pipe.write(rest) {
            Ok(length) if length < rest.len() => *rest = &rest[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // All is written, or the program has closed it.
            _ => self.stdin = None,
        }
    }

    /// Learns how the program's first process ended, if it was that one.
    fn see_exit(&mut self, outputs: &Outputs) -> Result<(), Error> {
        if self.exit.is_some() {
            return Ok(());
        }
        let Some(exit) = exit_of(&self.child).during("learn how the program ended")? else { return Ok(()) };
        if self.killed.is_none() && !exit.success() && self.usage.over(outputs.held())? == Some(Over::Processes) {
            self.killed = Some(Ending::OutOfProcesses);
        }
        self.exit = Some(exit);
        self.ended = Some(Instant::now());
        self.stdin = None;
        Ok(())
    }

    fn look(&mut self, outputs: &Outputs) -> Result<(), Error> {
        self.usage.show(outputs.held())?;
        match self.usage.over(outputs.held())? {
            Some(Over::Memory) => self.kill(Ending::OutOfMemory),
            Some(Over::Processes) => self.kill(Ending::OutOfProcesses),
            None => Ok(()),
        }
    }

    /// Nobody wants the program any longer.
    fn give_up(&mut self) -> Result<(), Error> {
        self.hung_up = true;
        self.kill(Ending::Cancelled)
    }

    /// Kills all processes of the program; the first reason stands.
    fn kill(&mut self, reason: Ending) -> Result<(), Error> {
        self.killed.get_or_insert(reason);
        self.init.kill().during("kill the program")
    }
}

struct Ready {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    lifeline: bool,
    signal: bool,
}

/// How it ended, if it has. A program that asks to be traced has its stops told to its parent as well, which
/// `Child::try_wait` takes for ends.
fn exit_of(child: &Child) -> io::Result<Option<ExitStatus>> {
    while let Some((_, status)) = waitpid(Some(Pid::from_child(child)), WaitOptions::NOHANG)? {
        if status.exited() || status.signaled() {
            return Ok(Some(ExitStatus::from_raw(status.as_raw())));
        }
    }
    Ok(None)
}

/// Passes on what can be read now; whether there was anything.
fn pass_on(
    channel: &mut Channel,
    pipe: &mut Option<impl Read>,
    output: &mut Output,
    chunk: &mut [u8],
) -> Result<bool, Error> {
    let Some(reader) = pipe else { return Ok(false) };
    let length = match reader.read(chunk) {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error).during("read the program's output"),
    };
    if length == 0 {
        *pipe = None;
    }
    output.take(&chunk[..length]).try_for_each(|frame| channel.send(&frame))?;
    Ok(length > 0)
}

/// What the end is called. One that came before the runner's kill is the program's own.
fn ending(exit: ExitStatus, killed: Option<Ending>, disk_was_full: bool) -> Ending {
    let byte = |number: i32| number.to_le_bytes()[0];
    match (exit.code(), exit.signal(), killed) {
        (None, Some(SIGKILL), Some(reason)) => reason,
        (Some(0), ..) => Ending::Exited(0),
        (Some(_), _, Some(Ending::OutOfProcesses)) => Ending::OutOfProcesses,
        (Some(code), ..) if disk_was_full => Ending::OutOfDisk(byte(code)),
        (_, Some(signal), _) if disk_was_full => Ending::OutOfDisk(byte(128 + signal)),
        (Some(code), ..) => Ending::Exited(byte(code)),
        (_, signal, _) => Ending::Killed(byte(signal.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_end_is_told_apart_from_ours() {
        let (code, signal) = (|code: i32| ExitStatus::from_raw(code << 8), ExitStatus::from_raw);
        for (exit, killed, disk_was_full, expected) in [
            (code(0), None, false, Ending::Exited(0)),
            (code(3), None, false, Ending::Exited(3)),
            (signal(9), None, false, Ending::Killed(9)),
            (signal(9), Some(Ending::TimedOut), false, Ending::TimedOut),
            (signal(9), Some(Ending::OutOfMemory), true, Ending::OutOfMemory),
            (code(0), Some(Ending::TimedOut), false, Ending::Exited(0)),
            (signal(11), Some(Ending::Cancelled), false, Ending::Killed(11)),
            (code(1), Some(Ending::OutOfProcesses), false, Ending::OutOfProcesses),
            (code(0), None, true, Ending::Exited(0)),
            (code(1), None, true, Ending::OutOfDisk(1)),
            (signal(7), None, true, Ending::OutOfDisk(135)),
        ] {
            assert_eq!(ending(exit, killed, disk_was_full), expected, "{exit:?} {killed:?} {disk_was_full}");
        }
    }
}
