//! Stops all processes of the sandbox for a moment.

use crate::error::{Context, Error};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rustix::system::sysinfo;
use std::{thread, time::Duration};

/// What kill(2) takes for every process that this one may signal, except itself.
const EVERY_OTHER: Pid = Pid::from_raw(-1);
/// Between two attempts to stop all processes, and how many there are.
const ROUND: Duration = Duration::from_millis(1);
const MAX_ROUNDS: u32 = 20;
/// After so many attempts without a new process, there will be none.
const STABLE_ROUNDS: u32 = 3;

/// All processes of the sandbox but this one are stopped, until this is dropped. A fork bomb takes all processor
/// time: without this, a call of the runner can take a second.
#[derive(Debug)]
pub(super) struct Stopped;

impl Stopped {
    pub(super) fn all() -> Result<Self, Error> {
        let stopped = Self;
        stopped.stop_new()?;
        Ok(stopped)
    }

    /// Stops those that were started while their parents were being stopped, until there are no more.
    pub(super) fn stop_new(&self) -> Result<(), Error> {
        let (mut known, mut stable) = (0, 0);
        for _ in 0..MAX_ROUNDS {
            kill(EVERY_OTHER, Signal::SIGSTOP).context("stop the processes")?;
            thread::sleep(ROUND);
            let processes = sysinfo().procs;
            stable = if processes == known { stable + 1 } else { 0 };
            if stable == STABLE_ROUNDS {
                break;
            }
            known = processes;
        }
        Ok(())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It fails only if there is no other process.
        let _ = kill(EVERY_OTHER, Signal::SIGCONT);
    }
}
