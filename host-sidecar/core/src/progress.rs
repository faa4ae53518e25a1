//! How far a run has come, by what its runner says, and what its end means for the caller.

use super::{
    Phase, Run,
    collector::{Collected, Collector, Corrupt, Event},
};
use crate::policy::Plan;
use cofferdam_types::{Error, ErrorCode, Report, SkippedFile, Status, Timings};
use std::time::Duration;
use tokio::time::Instant;

/// What is said of a pattern whose files are not all here.
pub const LOST_FILES: &str = "the sandbox was gone before all of these files had been brought back";
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What a backend gives the runner beyond the program's own time.
#[derive(Debug, Clone, Copy)]
pub struct Grace {
    /// From the end of the wall time, or from a cancellation, until the runner has reported the end of the program, and its
    /// files if the wall time ended it.
    pub end: Duration,
    /// From the end of any other program until its files are here.
    pub files: Duration,
}

/// How the sandbox's own story ended.
#[derive(Debug)]
pub enum End {
    /// The runner has said all.
    Done,
    /// The runner told why it could not start or follow the program.
    Failed(String),
    /// The runner is gone without a word.
    Vanished,
    /// It was given up for its time.
    Overdue,
    /// It was given up for its size.
    TooLarge,
    /// Some of what the runner sent is not in its log any more.
    Incomplete(String),
    /// The runner sent what no runner sends.
    Corrupt(Corrupt),
}

/// What has become of a run so far.
#[derive(Debug)]
pub struct Progress<'a> {
    run: &'a Run<'a>,
    collector: Collector,
    /// Patterns of the files to bring back.
    collect: Vec<String>,
    wall_time: Duration,
    grace: Grace,
    /// When the next step must have been reported. Each step is reported at most once, so that no runner can put it off.
    deadline: Instant,
    /// The same for a run that was cancelled.
    cap: Option<Instant>,
    /// Whether the sandbox was there before the request.
    was_waiting: bool,
    ready: bool,
    started: Option<Duration>,
    ended: Option<(Status, Duration)>,
}

impl<'a> Progress<'a> {
    /// Of a run whose sandbox is still to be built, or waits for its program already.
    pub fn new(run: &'a Run<'a>, plan: &Plan, was_waiting: bool, grace: Grace) -> Self {
        Self {
            run,
            collector: Collector::new(&plan.limits, &plan.program.collect, was_waiting),
            collect: plan.program.collect.clone(),
            wall_time: plan.limits.wall_time,
            grace,
            deadline: startup_deadline(run, plan),
            cap: None,
            was_waiting,
            ready: was_waiting,
            started: None,
            ended: None,
        }
    }

    /// When the next thing must have happened.
    pub fn deadline(&self) -> Instant {
        self.cap.map_or(self.deadline, |cap| cap.min(self.deadline))
    }

    /// The run was cancelled: its end has to be reported soon.
    pub fn hurry(&mut self) {
        self.cap.get_or_insert(Instant::now() + self.grace.end);
    }

    /// Whether the caller has given up.
    pub fn is_cancelled(&self) -> bool {
        self.run.cancelled.is_cancelled()
    }

    /// Whether the program has been seen to run.
    fn started(&self) -> bool {
        self.started.is_some()
    }

    /// Whether the runner certainly has all of the program. One that was waiting gets it over the connection to it.
    pub fn runner_has_program(&self) -> bool {
        !self.was_waiting || self.started()
    }

    /// When the program has had its time, if it has started.
    pub fn time_is_up(&self) -> Instant {
        let started = self.started.unwrap_or_else(|| self.run.elapsed());
        Instant::from_std(self.run.requested) + started + self.wall_time.min(TEN_YEARS)
    }

    /// Whether the program runs, and may.
    pub fn is_running(&self) -> bool {
        self.started() && !self.ended() && !self.is_cancelled() && Instant::now() < self.time_is_up()
    }

    /// Whether it is known that the program is over.
    pub fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether the runner was told to end the program, and not by us.
    pub fn was_taken_away(&self) -> bool {
        matches!(self.ended, Some((Status::Cancelled, _))) && !self.is_cancelled()
    }

    /// Takes the next bytes of the runner's frames; gives the end if they hold it.
    pub fn take(&mut self, bytes: &[u8]) -> Option<End> {
        self.collector.push(bytes);
        loop {
            match self.collector.next_event() {
                Ok(None) => return None,
                Ok(Some(Event::Ready)) => {
                    self.ready = true;
                    tracing::debug!(id = self.run.id, "the sandbox stands");
                }
                Ok(Some(Event::Started)) => {
                    self.started = Some(self.run.elapsed());
                    tracing::debug!(id = self.run.id, "the program runs");
                    self.run.observer.entered(Phase::Running);
                    self.deadline = Instant::now() + self.wall_time.min(TEN_YEARS) + self.grace.end;
                }
                Ok(Some(Event::Wrote(stream, bytes))) => {
                    if !bytes.is_empty() {
                        self.run.observer.wrote(stream, bytes);
                    }
                }
                Ok(Some(Event::Ended(status, ran))) => {
                    let ended = self.run.elapsed();
                    self.ended = Some((status, ended));
                    // Where frames come late, the start was seen late too.
                    self.started = self.started.map(|started| started.min(ended.saturating_sub(ran)));
                    tracing::debug!(id = self.run.id, "the program ended");
                    if status != Status::TimedOut {
                        self.deadline = Instant::now() + self.grace.files;
                        self.cap = None;
                    }
                }
                Ok(Some(Event::Done)) => return Some(End::Done),
                Ok(Some(Event::Failed(reason))) => return Some(End::Failed(reason)),
                Err(corrupt) => return Some(End::Corrupt(corrupt)),
            }
        }
    }

    /// What came of the run, given how its sandbox ended.
    pub fn report(self, end: End, was_out_of_memory: impl FnOnce() -> bool) -> Result<Report, Error> {
        let is_whole = matches!(end, End::Done);
        let status = self.judge(end, was_out_of_memory)?;
        let finished = self.ended.map_or_else(|| self.run.elapsed(), |(_, finished)| finished);
        let Collected { stdout, stderr, files, mut skipped } = self.collector.finish();
        if !is_whole {
            skipped.extend(self.collect.into_iter().map(|path| SkippedFile { path, reason: LOST_FILES.into() }));
        }
        Ok(Report {
            id: self.run.id.clone(),
            status,
            stdout,
            stderr,
            files,
            skipped,
            timings: Timings { started: self.started, finished: Some(finished), ..Timings::default() },
            warm: self.was_waiting,
        })
    }

    /// Nothing is believed of a runner that breaks the protocol, neither before nor after.
    fn corrupt(&self, corrupt: Corrupt) -> Error {
        let (code, message) = if self.started() {
            (ErrorCode::Internal, "the sandbox sent what no sandbox sends; its result is not known")
        } else {
            (ErrorCode::SandboxUnavailable, "the sandbox could not be started; the operator's log says why")
        };
        Error::new(code, message).with_detail(corrupt)
    }

    /// What the end means for the caller.
    fn judge(&self, end: End, was_out_of_memory: impl FnOnce() -> bool) -> Result<Status, Error> {
        let cancelled = self.is_cancelled();
        if let End::Corrupt(corrupt) = end {
            return Err(self.corrupt(corrupt));
        }
        match self.ended {
            // Somebody else has taken the sandbox away.
            Some(_) if self.was_taken_away() => return Err(lost()),
            // What the runner has told of the program stands, whatever became of the rest.
            Some((status, _)) => return Ok(status),
            None => {}
        }
        match (end, self.started()) {
            (_, false) if cancelled => Err(cancelled_before_start()),
            (End::Overdue, false) => {
                let error = startup_timeout();
                // Once it is ready, the program may just have started.
                Err(if self.ready { error } else { error.retryable() })
            }
            (End::Failed(reason), false) => {
                let message = format!("the sandbox could not start the program: {reason}");
                Err(Error::new(ErrorCode::SandboxUnavailable, message).with_detail(reason))
            }
            (End::TooLarge, _) => Ok(Status::OutOfMemory),
            (_, true) if was_out_of_memory() => Ok(Status::OutOfMemory),
            (_, true) if cancelled => Ok(Status::Cancelled),
            (End::Overdue, true) => Ok(Status::TimedOut),
            (End::Failed(reason), true) => Err(lost().with_detail(reason)),
            // Whether the program has started is among what is missing.
            (End::Incomplete(reason), _) => {
                let message = "the connection to the sandbox broke, and part of the program's output was discarded by its \
                               node before it could be read again; the program may have run to its end, but its result is \
                               lost. Have it write less, or run it again if that does no harm";
                Err(Error::new(ErrorCode::Unreachable, message).with_detail(reason))
            }
            (_, true) => Err(lost()),
            (_, false) => {
                let message = "the sandbox could not be started; the operator's log says why";
                Err(Error::new(ErrorCode::SandboxUnavailable, message))
            }
        }
    }
}

/// When the program must have started.
pub fn startup_deadline(run: &Run<'_>, plan: &Plan) -> Instant {
    Instant::from_std(run.requested) + plan.limits.startup_time.min(TEN_YEARS)
}

/// The caller gave up too early for the program to have started.
pub fn cancelled_before_start() -> Error {
    Error::new(ErrorCode::Cancelled, "the run was cancelled before its program was seen to start")
}

/// The program had not started in time.
pub fn startup_timeout() -> Error {
    let message = "the sandbox was not up within the start-up time; give it more, or try when less is going on";
    Error::new(ErrorCode::StartupTimeout, message)
}

fn lost() -> Error {
    Error::new(ErrorCode::Evicted, "the sandbox died while the program ran; its result is lost")
}

#[cfg(test)]
mod tests;
