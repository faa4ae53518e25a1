//! The end of an execution: its processes are killed or kept, and the sidecar learns how it ended.

use super::{Execution, SIGKILL, State, Tree, kill};
use crate::{
    error::Error,
    processes::{Processes, usage_of_trees},
    session::{connection::Connection, killing::Killing, output::Output},
    supervise::termination::classify,
};
use cofferdam_protocol::{Frame, Termination};
use rustix::process::{Signal, kill_process_group};
use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

/// How long other processes may still write after the program's first process has ended, as in an execution without a
/// session.
const REMAINING_OUTPUT_TIMEOUT: Duration = Duration::from_millis(300);
/// How long a file call may take to remove its temporary file before it is killed.
const ABORT_TIME: Duration = Duration::from_millis(200);

impl Execution {
    /// Kills the processes that are left, if they are to die.
    pub(in super::super) fn enforce(&mut self, processes: &Processes, now: Instant) -> Result<(), Error> {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.kill(Some(Termination::TimedOut));
        }
        if self.tree != Tree::Alive {
            return Ok(());
        }
        let abort_time = if self.is_file_call { ABORT_TIME } else { Duration::ZERO };
        let is_due = |killing: &&mut Killing| killing.is_due(now) && now >= killing.since + abort_time;
        let Some(killing) = self.killing.as_mut().filter(is_due) else {
            return Ok(());
        };
        if self.state == State::Starting {
            kill(self.launcher.pid)?;
        }
        if let Some(first) = self.first {
            // One call for all of a simple fork bomb. There is no such group if the process has left it.
            let _ = kill_process_group(first, Signal::KILL);
        }
        killing.record(processes.kill_below(self.launcher.pid, killing.since)?, now);
        Ok(())
    }

    /// Proceeds as far as possible once the first process has ended. Returns whether this was the end of the
    /// execution for the sidecar.
    pub(in super::super) fn proceed(
        &mut self,
        processes: &Processes,
        buffer: &mut [u8],
        connection: &mut Connection,
    ) -> Result<bool, Error> {
        if self.tree == Tree::Gone {
            match self.state {
                State::Starting if self.kill_reason.is_none() => {
                    self.state =
                        State::Failed("the launcher was killed before it had started the program".into());
                }
                State::Starting | State::Running => {
                    self.end(None, self.started.map_or(Duration::ZERO, |started| started.elapsed()));
                }
                _ => {}
            }
        }
        let State::Ended(status, run_time, time) = self.state else {
            return self.proceed_to_gone(connection);
        };
        if self.tree != Tree::Gone {
            let may_still_write = !self.streams.outputs.iter().all(Output::has_ended);
            if self.killing.is_some() || (may_still_write && time.elapsed() < REMAINING_OUTPUT_TIMEOUT) {
                return Ok(false);
            }
            if !self.keeps_background {
                self.kill(None);
                return Ok(false);
            }
        }
        self.streams.outputs.iter_mut().for_each(Output::end);
        for index in 0..self.streams.outputs.len() {
            while connection.has_room() && self.read_output(index, buffer, connection)? {}
        }
        if !self.streams.outputs.iter().all(Output::has_ended) {
            return Ok(false);
        }
        self.finish(status, run_time, processes, connection)?;
        Ok(true)
    }

    fn proceed_to_gone(&mut self, connection: &mut Connection) -> Result<bool, Error> {
        if self.tree != Tree::Gone {
            return Ok(false);
        }
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Failed(reason) => connection.push(self.channel, &Frame::Failed(reason)).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Sends what follows the output.
    fn finish(
        &mut self,
        status: Option<ExitStatus>,
        run_time: Duration,
        processes: &Processes,
        connection: &mut Connection,
    ) -> Result<(), Error> {
        for tail in self.streams.outputs.iter_mut().filter_map(Output::finish) {
            connection.push(self.channel, &tail)?;
        }
        // Without a launcher nobody knows its status; it did not survive.
        let status = status.unwrap_or(ExitStatus::from_raw(SIGKILL));
        let termination = classify(status, self.kill_reason, self.disk.may_be_the_reason());
        connection.push(self.channel, &Frame::Terminated(termination, run_time))?;
        self.state = State::Gone;
        if self.tree == Tree::Alive {
            let trees = usage_of_trees(&processes.list(false)?.processes, [self.launcher.pid]);
            if let Some(tree) = trees.get(&self.launcher.pid).filter(|tree| tree.processes > 0) {
                connection.push(self.channel, &Frame::Background(tree.processes))?;
            }
            self.state = State::Background;
        }
        connection.push(self.channel, &Frame::Done)
    }
}
