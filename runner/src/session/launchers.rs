//! The launchers of a session's next commands: one is started ahead, so that no command waits for its start.

use super::launch::Launcher;
use crate::{
    error::{Context, Error},
    processes::Processes,
    usage::Usage,
};
use rustix::process::{Pid, Signal, WaitStatus, kill_process};
use std::time::{Duration, Instant};

/// The pause after a launcher that could not be started, or that a program has killed while it waited.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a command has the processors for its own start.
const HEAD_START: Duration = Duration::from_millis(30);

/// Starts launchers.
#[derive(Debug)]
pub(super) struct Launchers {
    /// The soft limit of open files that programs have.
    open_files: Option<u64>,
    /// The one that waits for a command.
    spare: Option<Launcher>,
    /// When to start the next one, unless something else is to be done.
    due: Instant,
}

impl Launchers {
    /// Starts none yet.
    pub(super) fn new(open_files: Option<u64>, now: Instant) -> Self {
        Self { open_files, spare: None, due: now }
    }

    /// A launcher for a command.
    pub(super) fn take(&mut self, usage: &mut Usage, now: Instant) -> Result<Launcher, Error> {
        self.due = now + HEAD_START;
        match self.spare.take() {
            Some(spare) => Ok(spare),
            None => self.start(usage),
        }
    }

    /// When to call [`prepare`](Self::prepare), if it is of use.
    pub(super) fn due(&self) -> Option<Instant> {
        self.spare.is_none().then_some(self.due)
    }

    /// Starts a launcher ahead.
    pub(super) fn prepare(&mut self, usage: &mut Usage, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            // A command that needs one reports why that fails.
            self.spare = self.start(usage).ok();
            self.due = if self.spare.is_some() { now } else { now + PAUSE };
        }
    }

    /// Whether this is the launcher that waits for a command. It was killed or stopped by a program.
    pub(super) fn on_status(
        &mut self,
        pid: Pid,
        status: WaitStatus,
        processes: &Processes,
        now: Instant,
    ) -> Result<bool, Error> {
        if self.spare.as_ref().is_none_or(|spare| spare.pid != pid) {
            return Ok(false);
        }
        if !status.stopped() {
            self.spare = None;
            self.due = now + PAUSE;
        } else if processes.is_stopped(pid)? {
            kill_process(pid, Signal::KILL).context("kill a launcher")?;
        }
        Ok(true)
    }

    fn start(&self, usage: &mut Usage) -> Result<Launcher, Error> {
        let launcher = Launcher::start(self.open_files)?;
        usage.add_runner_processes(1);
        Ok(launcher)
    }
}
