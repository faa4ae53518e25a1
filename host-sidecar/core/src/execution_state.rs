//! The state of an execution: deadlines, and the frames of the runner so far.

mod end;

pub use end::{SandboxEnd, cancelled_before_start, startup_timeout};

use crate::{
    ExecutionContext, Phase,
    output_assembler::{Assembled, Event, OutputAssembler},
    spec::ExecSpec,
};
use cofferdam_types::{Error, Report, SkippedFile, Status, Timings};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The reason for a pattern whose files were lost with the sandbox.
pub const LOST_FILES: &str = "the sandbox was gone before all of these files had been brought back";
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Time that a backend gives the runner beyond the wall time of the program.
#[derive(Debug, Clone, Copy)]
pub struct Grace {
    /// From the end of the wall time, or from a cancellation, until the runner has reported the end of the
    /// program, with its files where the wall time ended it.
    pub end: Duration,
    /// From the end of any other program until its files have arrived.
    pub files: Duration,
}

/// The state of an execution.
#[derive(Debug)]
pub struct ExecutionState<'a> {
    context: &'a ExecutionContext<'a>,
    assembler: OutputAssembler,
    /// Patterns of the files to collect.
    collect: Vec<String>,
    wall_time: Duration,
    grace: Grace,
    /// When the next step must have been reported. Each step is reported at most once, so that no runner can
    /// postpone it.
    deadline: Instant,
    /// The same if the end must be reported soon.
    cap: Option<Instant>,
    /// Whether the sandbox was prewarmed.
    is_warm: bool,
    ready: bool,
    /// Whether the runner waits for streamed files.
    awaits_files: bool,
    started: Option<Duration>,
    ended: Option<(Status, Duration)>,
}

impl<'a> ExecutionState<'a> {
    /// The state of an execution whose program is not running yet.
    #[must_use]
    pub fn new(context: &'a ExecutionContext<'a>, exec: &ExecSpec, is_warm: bool, grace: Grace) -> Self {
        Self {
            context,
            assembler: OutputAssembler::new(&exec.limits, &exec.collect, is_warm),
            collect: exec.collect.clone(),
            wall_time: exec.limits.wall_time(),
            grace,
            deadline: startup_deadline(context, exec),
            cap: None,
            is_warm,
            ready: is_warm,
            awaits_files: exec.inputs.is_some(),
            started: None,
            ended: None,
        }
    }

    /// When the next step must have been reported.
    pub fn deadline(&self) -> Instant {
        // The transfer of the files has limits of its own.
        let is_transferring = self.awaits_files && self.ready && !self.started();
        let deadline = if is_transferring { Instant::now() + TEN_YEARS } else { self.deadline };
        self.cap.map_or(deadline, |cap| cap.min(deadline))
    }

    /// Whether the sandbox is ready for its program.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The runner has all streamed files after a transfer that took so long: the rest of the start has as much
    /// time as without it.
    pub fn files_sent(&mut self, time: Duration) {
        self.awaits_files = false;
        if !self.started() {
            self.deadline += time;
        }
    }

    /// The execution was cancelled, or its files cannot be sent any more: its end must be reported soon.
    pub fn cap_deadline(&mut self) {
        self.cap.get_or_insert(Instant::now() + self.grace.end);
    }

    /// The token that the caller sets to cancel the execution.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        self.context.cancelled
    }

    /// Whether the caller has cancelled the execution.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.context.cancelled.is_cancelled()
    }

    /// Whether the runner has reported the start of the program.
    fn started(&self) -> bool {
        self.started.is_some()
    }

    /// Whether the runner certainly has the whole program. A prewarmed one receives it over the connection.
    pub fn runner_has_program(&self) -> bool {
        !self.is_warm || self.started()
    }

    /// When the wall time of the program ends, if the program has started.
    #[must_use]
    pub fn end_of_wall_time(&self) -> Instant {
        let started = self.started.unwrap_or_else(|| self.context.elapsed());
        self.context.requested + started + self.wall_time.min(TEN_YEARS)
    }

    /// Whether the program is running within its wall time.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.started() && !self.ended() && !self.is_cancelled() && Instant::now() < self.end_of_wall_time()
    }

    /// Whether the runner has reported the end of the program.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether the runner ended the program on a request that did not come from the caller.
    #[must_use]
    pub fn was_evicted(&self) -> bool {
        matches!(self.ended, Some((Status::Cancelled, _))) && !self.is_cancelled()
    }

    /// Takes the next bytes of the runner's frames; gives the end if they contain it.
    pub fn push(&mut self, bytes: &[u8]) -> Option<SandboxEnd> {
        self.assembler.push(bytes);
        loop {
            match self.assembler.next_event() {
                Ok(None) => return None,
                Ok(Some(Event::Ready)) => {
                    self.ready = true;
                    tracing::debug!(id = self.context.id, "the sandbox is ready");
                }
                Ok(Some(Event::Started)) => {
                    self.started = Some(self.context.elapsed());
                    tracing::debug!(id = self.context.id, "the program runs");
                    self.context.observer.on_phase(Phase::Running);
                    self.deadline = Instant::now() + self.wall_time.min(TEN_YEARS) + self.grace.end;
                }
                Ok(Some(Event::Output(stream, bytes))) => {
                    if !bytes.is_empty() {
                        self.context.observer.on_output(stream, bytes);
                    }
                }
                Ok(Some(Event::Ended(status, ran))) => {
                    let ended = self.context.elapsed();
                    self.ended = Some((status, ended));
                    // Where frames come late, the start was seen late too.
                    self.started = self.started.map(|started| started.min(ended.saturating_sub(ran)));
                    tracing::debug!(id = self.context.id, "the program ended");
                    if status != Status::TimedOut {
                        self.deadline = Instant::now() + self.grace.files;
                        self.cap = None;
                    }
                }
                Ok(Some(Event::Done)) => return Some(SandboxEnd::Done),
                Ok(Some(Event::Failed(reason))) => return Some(SandboxEnd::Failed(reason)),
                Err(corrupt) => return Some(SandboxEnd::Corrupt(corrupt)),
            }
        }
    }

    /// The result of the execution.
    ///
    /// # Errors
    ///
    /// The program was not run, or its result is not known.
    pub fn report(self, end: SandboxEnd, was_out_of_memory: impl FnOnce() -> bool) -> Result<Report, Error> {
        let is_whole = matches!(end, SandboxEnd::Done);
        let status = self.classify(end, was_out_of_memory)?;
        let finished = self.ended.map_or_else(|| self.context.elapsed(), |(_, finished)| finished);
        let Assembled { stdout, stderr, files, mut skipped } = self.assembler.finish();
        if !is_whole {
            skipped
                .extend(self.collect.into_iter().map(|path| SkippedFile { path, reason: LOST_FILES.into() }));
        }
        Ok(Report {
            id: self.context.id.clone(),
            status,
            stdout,
            stderr,
            files,
            skipped,
            timings: Timings { started: self.started, finished: Some(finished), ..Timings::default() },
            warm: self.is_warm,
        })
    }
}

/// When the program must have started.
#[must_use]
pub fn startup_deadline(context: &ExecutionContext<'_>, exec: &ExecSpec) -> Instant {
    context.requested + exec.limits.startup_time().min(TEN_YEARS)
}

#[cfg(test)]
mod tests;
