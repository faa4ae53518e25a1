//! How far a run has come, by what its runner says, and what its end means for the caller.

use super::{
    Phase, Run,
    collector::{Collected, Collector, Event},
};
use crate::{
    execution::{Error, ErrorCode, Report, SkippedFile, Status, Timings},
    policy::Plan,
};
use std::time::Duration;
use tokio::time::Instant;

/// What the runner may take over the program's own time: to kill it, to hand over its files, to end.
pub(super) const GRACE: Duration = Duration::from_secs(10);
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How the sandbox's own story ended.
#[derive(Debug)]
pub(super) enum End {
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
    /// Something other than frames came, or not all of them.
    Garbled,
}

/// What has become of a run so far.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    run: &'a Run<'a>,
    collector: Collector,
    /// Patterns of the files to bring back.
    collect: Vec<String>,
    wall_time: Duration,
    deadline: Instant,
    /// No later than this, whatever else the runner says.
    cap: Option<Instant>,
    /// Whether the sandbox was there before the request.
    was_waiting: bool,
    ready: bool,
    started: Option<Duration>,
    ended: Option<(Status, Duration)>,
}

impl<'a> Progress<'a> {
    /// Of a run whose sandbox is still to be built, or waits for its program already.
    pub(super) fn new(run: &'a Run<'a>, plan: &Plan, was_waiting: bool) -> Self {
        Self {
            run,
            collector: Collector::new(plan.limits.output_bytes),
            collect: plan.program.collect.clone(),
            wall_time: plan.limits.wall_time,
            deadline: Instant::from_std(run.requested) + plan.limits.startup_time.min(TEN_YEARS),
            cap: None,
            was_waiting,
            ready: was_waiting,
            started: None,
            ended: None,
        }
    }

    /// When the next thing must have happened.
    pub(super) fn deadline(&self) -> Instant {
        self.cap.map_or(self.deadline, |cap| cap.min(self.deadline))
    }

    /// Waits no longer than this from now on, whatever comes.
    pub(super) fn hurry(&mut self, at_most: Duration) {
        let cap = Instant::now() + at_most;
        self.cap = Some(self.cap.map_or(cap, |earlier| earlier.min(cap)));
    }

    /// Whether the caller has given up.
    pub(super) fn is_cancelled(&self) -> bool {
        self.run.cancelled.is_cancelled()
    }

    /// Whether the program has been seen to run.
    fn started(&self) -> bool {
        self.started.is_some()
    }

    /// When the program has had its time, if it has started.
    pub(super) fn time_is_up(&self) -> Instant {
        let started = self.started.unwrap_or_else(|| self.run.elapsed());
        Instant::from_std(self.run.requested) + started + self.wall_time.min(TEN_YEARS)
    }

    /// Whether the program runs, and may.
    pub(super) fn is_running(&self) -> bool {
        self.started() && !self.ended() && !self.is_cancelled() && Instant::now() < self.time_is_up()
    }

    /// Whether it is known that the program is over.
    pub(super) fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether the runner was told to end the program, and not by us.
    pub(super) fn was_taken_away(&self) -> bool {
        matches!(self.ended, Some((Status::Cancelled, _))) && !self.is_cancelled()
    }

    /// Takes the next bytes of the runner's frames; gives the end if they hold it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<End> {
        self.collector.push(bytes);
        if self.ended() {
            // Files that are still on their way are worth the wait.
            self.deadline = Instant::now() + GRACE;
        }
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
                    self.deadline = Instant::now() + self.wall_time.min(TEN_YEARS) + GRACE;
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
                    self.deadline = Instant::now() + GRACE;
                }
                Ok(Some(Event::Done)) => return Some(End::Done),
                Ok(Some(Event::Failed(reason))) => return Some(End::Failed(reason)),
                Err(_) => return Some(End::Garbled),
            }
        }
    }

    /// What came of the run, given how its sandbox ended.
    pub(super) fn report(self, end: End, was_out_of_memory: impl FnOnce() -> bool) -> Result<Report, Error> {
        let is_whole = matches!(end, End::Done);
        let status = self.judge(end, was_out_of_memory)?;
        let finished = self.ended.map_or_else(|| self.run.elapsed(), |(_, finished)| finished);
        let Collected { stdout, stderr, files, mut skipped } = self.collector.finish();
        if !is_whole {
            let reason = "the sandbox was gone before all of these files had been brought back";
            skipped.extend(self.collect.into_iter().map(|path| SkippedFile { path, reason: reason.into() }));
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

    /// What the end means for the caller.
    fn judge(&self, end: End, was_out_of_memory: impl FnOnce() -> bool) -> Result<Status, Error> {
        let cancelled = self.is_cancelled();
        match self.ended {
            // Somebody else has taken the sandbox away.
            Some(_) if self.was_taken_away() => return Err(lost()),
            // What the runner has told of the program stands, whatever became of the rest.
            Some((status, _)) => return Ok(status),
            None => {}
        }
        match (end, self.started()) {
            (_, false) if cancelled => {
                Err(Error::new(ErrorCode::Cancelled, "the run was cancelled before its program was seen to start"))
            }
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
            (End::Garbled, true) => {
                let message = "some of what came of the program was lost on its way; its result is not known";
                Err(Error::new(ErrorCode::Internal, message))
            }
            (_, true) => Err(lost()),
            (_, false) => {
                let message = "the sandbox could not be started; the operator's log says why";
                Err(Error::new(ErrorCode::SandboxUnavailable, message))
            }
        }
    }
}

/// The program had not started in time.
pub(super) fn startup_timeout() -> Error {
    let message = "the sandbox was not up within the start-up time; give it more, or try when less is going on";
    Error::new(ErrorCode::StartupTimeout, message)
}

fn lost() -> Error {
    Error::new(ErrorCode::Evicted, "the sandbox died while the program ran; its result is lost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Settings, sandbox::NoObserver};
    use cofferdam_protocol::{Ending, Frame, encode};
    use tokio_util::sync::CancellationToken;

    /// What is made of an end, after these frames.
    fn judge(frames: &[Frame], end: End, cancelled: bool, was_out_of_memory: bool) -> Result<Report, Error> {
        let token = CancellationToken::new();
        let requested = std::time::Instant::now();
        let run = Run { id: "run-0".into(), requested, cancelled: &token, observer: &NoObserver };
        let policy = Settings::default().policy().expect("the defaults are a policy");
        let request = crate::execution::Request { code: "#".into(), collect: vec!["*".into()], ..Default::default() };
        let mut progress = Progress::new(&run, &policy.plan(request).expect("a plan"), false);
        for frame in frames {
            assert!(progress.take(&encode(frame)).is_none(), "{frame:?} is an end");
        }
        if cancelled {
            token.cancel();
        }
        progress.report(end, || was_out_of_memory)
    }

    fn status(frames: &[Frame], end: End, cancelled: bool) -> Result<Status, ErrorCode> {
        judge(frames, end, cancelled, false).map(|report| report.status).map_err(|error| error.code)
    }

    #[test]
    fn every_end_has_a_name() {
        let failed = || End::Failed("no wall".into());
        let (ready, started) = ([Frame::Ready].as_slice(), [Frame::Ready, Frame::Started].as_slice());
        for (end, frames, cancelled, expected) in [
            (failed(), ready, false, Err(ErrorCode::SandboxUnavailable)),
            (failed(), started, false, Err(ErrorCode::Evicted)),
            (End::Overdue, ready, false, Err(ErrorCode::StartupTimeout)),
            (End::Overdue, started, false, Ok(Status::TimedOut)),
            (End::TooLarge, started, false, Ok(Status::OutOfMemory)),
            (End::Vanished, ready, false, Err(ErrorCode::SandboxUnavailable)),
            (End::Vanished, ready, true, Err(ErrorCode::Cancelled)),
            (End::Vanished, started, true, Ok(Status::Cancelled)),
            (End::Vanished, started, false, Err(ErrorCode::Evicted)),
            (End::Garbled, started, false, Err(ErrorCode::Internal)),
            (End::Garbled, ready, false, Err(ErrorCode::SandboxUnavailable)),
        ] {
            let shown = format!("{end:?}");
            assert_eq!(status(frames, end, cancelled), expected, "{shown} {frames:?} {cancelled}");
        }
    }

    #[test]
    fn what_was_told_of_the_program_stands() {
        let frames = [Frame::Started, Frame::Ended(Ending::Exited(3), Duration::ZERO)];
        for end in [End::Done, End::Overdue, End::Vanished, End::Garbled, End::TooLarge] {
            let shown = format!("{end:?}");
            assert_eq!(status(&frames, end, true), Ok(Status::Exited(3)), "{shown}");
        }
    }

    #[test]
    fn a_sandbox_that_the_kernel_killed_is_out_of_memory() {
        let report = judge(&[Frame::Started], End::Vanished, false, true);
        assert_eq!(report.map(|report| report.status), Ok(Status::OutOfMemory));
    }

    #[test]
    fn only_what_certainly_did_not_start_may_be_tried_again() {
        let retryable = |frames: &[Frame]| judge(frames, End::Overdue, false, false).map_err(|error| error.retryable);
        assert_eq!(retryable(&[]).err(), Some(true));
        assert_eq!(retryable(&[Frame::Ready]).err(), Some(false));
    }

    #[test]
    fn files_that_did_not_all_come_are_missed() {
        let frames = [Frame::Started, Frame::Ended(Ending::Exited(0), Duration::ZERO)];
        let skipped = |end| judge(&frames, end, false, false).expect("a report").skipped.len();
        assert_eq!((skipped(End::Done), skipped(End::Vanished)), (0, 1));
    }

    #[test]
    fn a_start_that_was_seen_late_is_counted_back_from_the_end() {
        let frames = [Frame::Started, Frame::Ended(Ending::Exited(0), Duration::from_secs(3600))];
        let timings = judge(&frames, End::Done, false, false).expect("a report").timings;
        assert_eq!(timings.started, Some(Duration::ZERO));
    }
}
