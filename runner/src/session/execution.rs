//! One execution of a session, from its launcher's start to the end of its last process.

mod disk;
mod ending;
mod terms;

pub(super) use terms::Terms;

use super::{
    connection::Connection,
    killing::Killing,
    launch::{Launcher, Streams, resize},
    output::Output,
};
use crate::{
    error::{Context, Error},
    processes::Processes,
};
use cofferdam_protocol::{CONTROL, CommandLimits, Frame, Message, Termination, encode};
use disk::Disk;
use rustix::process::{Pid, Signal, WaitStatus, kill_process};
use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

const SIGKILL: i32 = Signal::KILL.as_raw();

/// An execution.
#[derive(Debug)]
pub(super) struct Execution {
    channel: u32,
    pub(super) launcher: Launcher,
    pub(super) streams: Streams,
    pub(super) limits: CommandLimits,
    keeps_background: bool,
    is_file_call: bool,
    /// Bytes of output that the sidecar still takes.
    credit: u32,
    state: State,
    pub(super) tree: Tree,
    /// When the program was started.
    started: Option<Instant>,
    /// Why the runner killed it, if it did.
    kill_reason: Option<Termination>,
    /// The killing of its processes, once it has begun.
    killing: Option<Killing>,
    /// The first process, which leads its process group, while it runs.
    first: Option<Pid>,
    disk: Disk,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// The launcher has not started the program.
    Starting,
    /// The program's first process runs.
    Running,
    /// The first process has ended, or no launcher is left that could tell how. The rest of its output is sent.
    Ended(Option<ExitStatus>, Duration, Instant),
    /// The program could not be started, for this reason.
    Failed(String),
    /// The sidecar knows how it ended. Processes of it go on.
    Background,
    /// Nothing is left of it.
    Gone,
}

/// Whether processes of an execution are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// The launcher has children.
    Alive,
    /// The launcher was killed. Its processes are now the init's, which the session kills.
    Orphaned,
    /// There are none.
    Gone,
}

impl Execution {
    /// Creates an execution whose launcher was started.
    pub(super) fn new(
        channel: u32,
        (launcher, streams): (Launcher, Streams),
        Terms { limits, keeps_background, is_file_call, credit }: Terms,
        disk_is_full: bool,
    ) -> Self {
        Self {
            channel,
            launcher,
            streams,
            limits,
            keeps_background,
            is_file_call,
            credit,
            state: State::Starting,
            tree: Tree::Alive,
            started: None,
            kill_reason: None,
            killing: None,
            first: None,
            disk: Disk::new(disk_is_full),
        }
    }

    /// Handles a message of its channel.
    pub(super) fn on_message(&mut self, message: Message, connection: &mut Connection) -> Result<(), Error> {
        match message {
            Message::Stdin(bytes) => self.streams.input.push(&bytes)?,
            Message::CloseStdin => self.streams.input.end(),
            Message::Signal(_) => self.launcher.request_signal(&encode(CONTROL, &message)?),
            Message::Resize(size) => {
                if let Some(terminal) = &self.streams.terminal {
                    resize(terminal, size).context("resize a terminal")?;
                }
            }
            Message::Kill => self.kill(Some(Termination::Cancelled)),
            Message::Credit(bytes) => self.credit = self.credit.saturating_add(bytes),
            _ => return Err(cofferdam_protocol::Malformed.into()),
        }
        self.give_credit(connection)
    }

    /// Writes standard input that was waiting.
    pub(super) fn write_input(&mut self, connection: &mut Connection) -> Result<(), Error> {
        self.streams.input.write_available();
        self.give_credit(connection)
    }

    fn give_credit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        if !self.is_executing() {
            return Ok(());
        }
        match self.streams.input.take_credit() {
            Some(credit) => connection.push(self.channel, &Frame::Credit(credit)),
            None => Ok(()),
        }
    }

    /// Passes on output, or discards that of processes in the background.
    pub(super) fn read_output(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        connection: &mut Connection,
    ) -> Result<bool, Error> {
        let Some(output) = self.streams.outputs.get_mut(index) else { return Ok(false) };
        if self.state == State::Background {
            output.discard(buffer);
            return Ok(false);
        }
        let frames = output.read(buffer, &mut self.credit).context("read the program's output")?;
        for frame in frames.iter().flatten() {
            connection.push(self.channel, frame)?;
        }
        Ok(frames.is_some())
    }

    /// The output streams to poll.
    pub(super) fn output_fd(&self, index: usize) -> Option<std::os::fd::BorrowedFd<'_>> {
        let output = self.streams.outputs.get(index)?;
        if self.state == State::Background { output.discarded_fd() } else { output.fd(self.credit) }
    }

    /// Handles what the launcher has reported.
    pub(super) fn read_reports(
        &mut self,
        processes: &Processes,
        connection: &mut Connection,
    ) -> Result<(), Error> {
        while let Some(report) = self.launcher.report()? {
            match report {
                Frame::Process(pid) => {
                    connection.push(self.channel, &Frame::Started)?;
                    connection.push(self.channel, &Frame::Process(pid))?;
                    self.started = Some(Instant::now());
                    // In order of their start.
                    self.first = processes.children(self.launcher.pid)?.first().copied();
                    self.state = State::Running;
                }
                Frame::Terminated(end, run_time) => self.end(Some(status_of(end)), run_time),
                Frame::Failed(reason) if self.state == State::Starting => self.state = State::Failed(reason),
                _ => {}
            }
        }
        Ok(())
    }

    fn end(&mut self, status: Option<ExitStatus>, run_time: Duration) {
        self.state = State::Ended(status, run_time, Instant::now());
        self.streams.input.close();
        self.first = None;
    }

    /// The launcher has changed its state. Returns whether it has left orphans.
    pub(super) fn on_launcher(
        &mut self,
        status: WaitStatus,
        processes: &Processes,
        connection: &mut Connection,
    ) -> Result<bool, Error> {
        self.read_reports(processes, connection)?;
        if status.stopped() {
            // Unless it was only stopped for a list of processes, nobody would reap its own.
            if processes.is_stopped(self.launcher.pid)? {
                kill(self.launcher.pid)?;
            }
            return Ok(false);
        }
        let is_orphaned = status.exit_status() != Some(0) && !matches!(self.state, State::Failed(_));
        self.tree = if is_orphaned { Tree::Orphaned } else { Tree::Gone };
        Ok(is_orphaned)
    }

    /// The orphans of all launchers are dead.
    pub(super) fn on_orphans_gone(&mut self) {
        if self.tree == Tree::Orphaned {
            self.tree = Tree::Gone;
        }
    }

    /// Kills its processes. The first reason is the one that is reported.
    pub(super) fn kill(&mut self, reason: Option<Termination>) {
        self.kill_reason = self.kill_reason.or(reason);
        if self.killing.is_none() && self.is_file_call {
            let abort = Message::Signal(Signal::TERM.as_raw().to_le_bytes()[0]);
            // An empty message at worst, and a kill without it.
            self.launcher.request_signal(&encode(CONTROL, &abort).unwrap_or_default());
        }
        self.killing.get_or_insert_with(|| Killing::start(Instant::now()));
    }

    /// Whether the sidecar still waits for its end.
    pub(super) fn is_executing(&self) -> bool {
        !matches!(self.state, State::Background | State::Gone)
    }

    /// Whether nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        self.tree == Tree::Gone && !self.is_executing()
    }

    /// Whether its first process has ended, and its end is not reported yet.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, State::Ended(..) | State::Failed(_))
    }

    /// Whether its first process has ended without success, and that is not reported yet.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Ended(Some(status), ..) if !status.success())
    }

    /// The killing of its processes, if it is not over.
    pub(super) fn killing(&self) -> Option<Killing> {
        self.killing.filter(|_| self.tree == Tree::Alive)
    }

    /// Whether the processes are being killed.
    pub(super) fn is_dying(&self) -> bool {
        self.killing().is_some()
    }

    /// Whether the launcher is alive, and the processes are not being killed.
    pub(super) fn may_be_killed(&self) -> bool {
        self.tree == Tree::Alive && self.killing.is_none()
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let may_time_out = self.is_executing() && self.killing.is_none();
        self.started.filter(|_| may_time_out)?.checked_add(self.limits.wall_time?)
    }

    /// The disk of the session was checked.
    pub(super) fn on_disk(&mut self, is_full: bool) {
        self.disk.check(is_full);
    }

    /// Bytes of memory that the runner uses for it.
    pub(super) fn memory_bytes(&self) -> u64 {
        let outputs = self.streams.outputs.iter().map(Output::memory_bytes);
        self.streams.input.memory_bytes() + outputs.sum::<u64>()
    }
}

/// The status that a launcher has reported.
fn status_of(end: Termination) -> ExitStatus {
    ExitStatus::from_raw(match end {
        Termination::Exited(code) => i32::from(code) << 8,
        Termination::Killed(signal) => i32::from(signal),
        _ => SIGKILL,
    })
}

fn kill(launcher: Pid) -> Result<(), Error> {
    kill_process(launcher, Signal::KILL).context("kill a launcher")
}
