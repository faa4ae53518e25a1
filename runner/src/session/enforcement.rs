//! Enforces the limits of a session and of its executions, and kills what is to die.

use super::{Session, execution::Execution};
use crate::{
    error::{Context, Error},
    processes::{TreeUsage, usage_of_trees},
    usage::Limit,
};
use cofferdam_protocol::{CommandLimits, SessionEnd, Termination, Usage};
use rustix::process::{Pid, Signal, getpid, kill_process};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Between two checks of memory, processes and disk.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Between two attempts to kill processes, which may start others meanwhile.
const KILL_INTERVAL: Duration = Duration::from_millis(3);

impl Session<'_> {
    /// Does what is due. Returns why the session ends, if it does.
    pub(super) fn enforce(&mut self) -> Result<Option<SessionEnd>, Error> {
        let now = Instant::now();
        self.usage.set_relays(self.connection.relays());
        if self.has_processes() && now >= self.next_check {
            self.check_limits()?;
            self.next_check = now + CHECK_INTERVAL;
        }
        self.kill_orphans(now)?;
        for execution in self.executions.values_mut() {
            execution.enforce(&self.processes, now)?;
            if execution.proceed(&self.processes, &mut self.buffer, &mut self.connection)? {
                self.timers.on_end_of_execution(now);
            }
        }
        self.executions.retain(|_, execution| !execution.is_gone());
        let mut killings = self.executions.values().filter_map(Execution::killing).chain(self.orphans);
        if killings.any(|killing| killing.has_failed(now)) {
            return Ok(Some(SessionEnd::Unkillable));
        }
        Ok(self.timers.end(self.is_executing(), now))
    }

    /// When something is due without an event.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let now = Instant::now();
        let is_killing = self.orphans.is_some() || self.executions.values().any(Execution::is_dying);
        let check = self.has_processes().then_some(self.next_check);
        let kill = is_killing.then(|| now + KILL_INTERVAL);
        let ending = self.executions.values().any(Execution::is_ending).then(|| now + CHECK_INTERVAL);
        let deadlines = self.executions.values().filter_map(Execution::deadline);
        let session = self.timers.next(self.is_executing());
        let launcher = self.launchers.due();
        [check, kill, ending, session, launcher].into_iter().flatten().chain(deadlines).min()
    }

    /// Whether any program may run.
    fn has_processes(&self) -> bool {
        !self.executions.is_empty()
    }

    /// Kills the processes that killed launchers have left to the init, until there are none.
    fn kill_orphans(&mut self, now: Instant) -> Result<(), Error> {
        let Some(killing) = self.orphans.as_mut().filter(|killing| killing.is_due(now)) else {
            return Ok(());
        };
        let attempt = self.processes.kill_below(self.init, killing.since)?;
        killing.record(attempt, now);
        if attempt.alive == 0 {
            self.orphans = None;
            self.executions.values_mut().for_each(Execution::on_orphans_gone);
        }
        // A program may have stopped it, and it has to reap them.
        kill_process(self.init, Signal::CONT).context("continue the init")
    }

    /// If the first process of an execution has failed, a limit that is exceeded now may be the reason.
    pub(super) fn check_ended(&mut self, channel: u32) -> Result<(), Error> {
        match self.executions.get(&channel) {
            Some(execution) if execution.has_failed() => self.check_limits(),
            _ => Ok(()),
        }
    }

    /// Kills what exceeds a limit: its own, or as the largest one that of the session.
    fn check_limits(&mut self) -> Result<(), Error> {
        let own_memory = self.memory_bytes();
        self.usage.refresh_view(own_memory)?;
        let exceeded = self.usage.exceeded_limit(own_memory)?;
        let disk_is_full = self.usage.take_disk_was_full();
        self.executions.values_mut().for_each(|execution| execution.on_disk(disk_is_full));
        let may_exceed = |execution: &Execution| {
            let CommandLimits { memory_bytes, processes, .. } = execution.limits;
            execution.may_be_killed() && !self.usage.is_certainly_within(memory_bytes, processes)
        };
        if exceeded.is_none() && !self.executions.values().any(may_exceed) {
            return Ok(());
        }
        // They are stopped while there are too many.
        let list = self.processes.list(exceeded == Some(Limit::Processes))?;
        let launchers = self.executions.values().map(|execution| execution.launcher.pid);
        let trees = usage_of_trees(&list.processes, launchers);
        for execution in self.executions.values_mut().filter(|execution| execution.may_be_killed()) {
            let Some(tree) = trees.get(&execution.launcher.pid) else { continue };
            // Processes share memory, so that many of them seem to use more than they do.
            if tree.threads > execution.limits.processes {
                execution.kill(Some(Termination::OutOfProcesses));
            } else if tree.memory_bytes > execution.limits.memory_bytes {
                execution.kill(Some(Termination::OutOfMemory));
            }
        }
        // What is being killed is still counted.
        if self.orphans.is_none() && !self.executions.values().any(Execution::is_dying) {
            self.kill_largest(exceeded, &trees);
        }
        for execution in self.executions.values().filter(|execution| execution.is_dying()) {
            list.kill_below(execution.launcher.pid)?;
        }
        Ok(())
    }

    /// Kills the execution with the largest tree, if the session exceeds this limit.
    fn kill_largest(&mut self, exceeded: Option<Limit>, trees: &HashMap<Pid, TreeUsage>) {
        let Some(limit) = exceeded else { return };
        let size = |execution: &Execution| {
            let tree = trees.get(&execution.launcher.pid).copied().unwrap_or_default();
            match limit {
                Limit::Memory => tree.memory_bytes,
                Limit::Processes => tree.threads.into(),
            }
        };
        let reason = match limit {
            Limit::Memory => Termination::OutOfMemory,
            Limit::Processes => Termination::OutOfProcesses,
        };
        let candidates = self.executions.values_mut().filter(|execution| execution.may_be_killed());
        if let Some(largest) = candidates.max_by_key(|execution| size(execution)) {
            largest.kill(Some(reason));
        }
    }

    /// What the session uses now.
    pub(super) fn measure(&self) -> Result<Usage, Error> {
        let own = [getpid(), self.init].map(|pid| pid.as_raw_nonzero().get());
        let mut cpu_time = Duration::ZERO;
        for process in self.processes.list(false)?.processes {
            cpu_time += process.children_time;
            if !own.contains(&process.pid) {
                cpu_time += process.own_time;
            }
        }
        Ok(Usage { cpu_time, ..self.usage.measure(self.memory_bytes())? })
    }
}
