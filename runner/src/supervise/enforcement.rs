//! Enforces the program's limits and kills its processes.

use super::{CHECK_INTERVAL, Supervisor};
use crate::{
    error::{Context, Error},
    usage::Limit,
};
use cofferdam_protocol::Termination;
use std::time::{Duration, Instant};

/// How long other processes may still write after the program's first process has exited: enough for a `tee`
/// that the program did not wait for. A daemon is killed.
const REMAINING_OUTPUT_TIMEOUT: Duration = Duration::from_millis(300);
/// How long killed processes may take to exit.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

impl Supervisor<'_> {
    /// Kills the program if it exceeds a limit.
    pub(super) fn enforce_limits(&mut self) -> Result<(), Error> {
        if self.exit.is_some() {
            return Ok(());
        }
        if self.is_past_deadline() {
            self.kill(Termination::TimedOut)?;
        }
        if Instant::now() >= self.next_check {
            self.check_limits()?;
            self.next_check = Instant::now() + CHECK_INTERVAL;
        }
        Ok(())
    }

    fn check_limits(&mut self) -> Result<(), Error> {
        let memory_bytes = self.memory_bytes();
        self.usage.refresh_view(memory_bytes)?;
        match self.usage.exceeded_limit(memory_bytes)? {
            Some(Limit::Memory) => self.kill(Termination::OutOfMemory),
            Some(Limit::Processes) => self.kill(Termination::OutOfProcesses),
            None => Ok(()),
        }
    }

    fn is_past_deadline(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Bytes of memory that the runner uses for the program's output.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.stdout.memory_bytes() + self.stderr.memory_bytes()
    }

    /// The time in which the program's output is throttled does not count.
    pub(super) fn extend_deadlines(&mut self, time: Duration) {
        self.deadline = self.deadline.and_then(|deadline| deadline.checked_add(time));
        if let Some(exit) = &mut self.exit {
            exit.time += time;
        }
    }

    /// Kills all processes of the program. The first reason is the one that is reported.
    pub(super) fn kill(&mut self, reason: Termination) -> Result<(), Error> {
        self.kill_reason.get_or_insert(reason);
        self.init.kill().context("kill the program")
    }

    /// Whether no process of the program is left. Kills those that its first process has left behind.
    pub(super) fn is_finished(&mut self) -> Result<bool, Error> {
        let Some(exit) = self.exit else { return Ok(false) };
        // No process is left that could start another.
        if self.usage.has_no_processes() {
            return Ok(true);
        }
        let may_still_write = !(self.stdout.is_closed() && self.stderr.is_closed());
        let must_stop = self.is_past_deadline() || self.kill_reason.is_some();
        if may_still_write && !must_stop && exit.time.elapsed() < REMAINING_OUTPUT_TIMEOUT {
            return Ok(false);
        }
        self.init.kill().context("kill the program's remaining processes")?;
        // The init exits after all other processes of its namespace.
        let init = self.init.try_wait().context("wait for the program's processes to exit")?;
        Ok(init.is_some() || exit.time.elapsed() > KILL_TIMEOUT)
    }
}
