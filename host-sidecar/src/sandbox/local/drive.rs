//! Following a sandbox from its start to its end: the program goes in, frames come out, every wait has a bound.

use super::{cgroup::Cgroup, outer_bound::OuterBound, state::RunDir};
use crate::{
    execution::{Error, ErrorCode, Status},
    policy::Plan,
    sandbox::{
        Phase, Run,
        collector::{Collected, Collector, Event},
    },
};
use cofferdam_protocol::encode_program;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// What the runner may take over the program's own time: to kill it, to hand over its files, to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long runsc may take to go once the runner has said its last word or was told to go.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;
const CHUNK: usize = 128 << 10;

/// A run that came to its end.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) status: Status,
    pub(super) started: Duration,
    pub(super) finished: Duration,
    pub(super) collected: Collected,
}

/// How the sandbox's own story ended.
#[derive(Debug)]
enum End {
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
    /// Something other than frames came.
    Garbled,
}

/// Runs the plan's program in a sandbox that has just been started.
pub(super) async fn drive(
    mut sandbox: Child,
    plan: Plan,
    run: &Run<'_>,
    cgroup: &Cgroup,
    dir: &RunDir,
) -> Result<Driven, Error> {
    let streams = (sandbox.stdin.take(), sandbox.stdout.take(), sandbox.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
        return Err(Error::new(ErrorCode::Internal, "the sandbox has no streams"));
    };
    let program = encode_program(&plan.program)
        .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))?;
    let hang_up = CancellationToken::new();
    let _hang_up_when_dropped = hang_up.clone().drop_guard();
    tokio::spawn(feed(stdin, program, hang_up.clone()));
    let messages = tokio::spawn(read_messages(stderr));
    let mut watch = Watch {
        run,
        collector: Collector::new(plan.limits.output_bytes),
        ready: false,
        started: None,
        ended: None,
        too_large: if cgroup.bounds_memory() {
            CancellationToken::new()
        } else {
            OuterBound::new(&plan, &dir.runsc_root()).watch(hang_up.clone())
        },
    };
    let end = watch.until_end(stdout, &plan, &hang_up).await;
    hang_up.cancel();
    match timeout(FAREWELL, sandbox.wait()).await {
        Ok(Ok(status)) if status.code().is_some() => dir.note_quiet(),
        _ => {
            tracing::warn!(id = run.id, "runsc did not end by itself and is killed");
            let _ = sandbox.start_kill();
        }
    }
    let messages = timeout(FAREWELL, messages).await.ok().and_then(Result::ok).unwrap_or_default();
    let Watch { collector, ready, started, ended, .. } = watch;
    let progress = Progress { ready, started: started.is_some(), ended: ended.map(|(status, _)| status) };
    let status = judge(end, &progress, run.cancelled.is_cancelled(), || cgroup.was_out_of_memory());
    match (status, started) {
        (Ok(status), Some(started)) => {
            let finished = ended.map_or_else(|| run.elapsed(), |(_, finished)| finished);
            Ok(Driven { status, started, finished, collected: collector.finish() })
        }
        (Ok(_), None) => Err(vanished().with_detail(messages)),
        (Err(error), _) if error.detail.is_none() && !messages.is_empty() => Err(error.with_detail(messages)),
        (Err(error), _) => Err(error),
    }
}

/// Writes the program, then keeps the pipe open until it is time to hang up: its end tells the runner to stop.
async fn feed(mut stdin: ChildStdin, program: Vec<u8>, hang_up: CancellationToken) {
    let written = async {
        // A runner that is gone shows itself by the end of its output.
        let _ = stdin.write_all(&program).await;
        drop(program);
        hang_up.cancelled().await;
    };
    tokio::select! {
        () = written => {}
        () = hang_up.cancelled() => {}
    }
}

/// What runsc has to say, as far as it is kept; the rest is read and thrown away.
async fn read_messages(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim().to_owned()
}

struct Watch<'a> {
    run: &'a Run<'a>,
    collector: Collector,
    ready: bool,
    started: Option<Duration>,
    ended: Option<(Status, Duration)>,
    /// Set when the sandbox holds more than it may; never where the kernel sees to it.
    too_large: CancellationToken,
}

/// How far a run had come.
struct Progress {
    ready: bool,
    started: bool,
    ended: Option<Status>,
}

impl Watch<'_> {
    async fn until_end(&mut self, mut stdout: impl AsyncRead + Unpin, plan: &Plan, hang_up: &CancellationToken) -> End {
        let mut deadline = far_off(Instant::from_std(self.run.requested), plan.limits.startup_time);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::select! {
                read = stdout.read(&mut chunk) => read,
                () = sleep_until(deadline) => return End::Overdue,
                () = self.too_large.cancelled() => return End::TooLarge,
                () = self.run.cancelled.cancelled(), if !hang_up.is_cancelled() => {
                    hang_up.cancel();
                    deadline = deadline.min(Instant::now() + GRACE);
                    continue;
                }
            };
            let length = match read {
                Ok(0) | Err(_) => return End::Vanished,
                Ok(length) => length,
            };
            self.collector.push(&chunk[..length]);
            loop {
                match self.collector.next_event() {
                    Ok(None) => break,
                    Ok(Some(Event::Ready)) => {
                        self.ready = true;
                        tracing::debug!(id = self.run.id, "the sandbox stands");
                    }
                    Ok(Some(Event::Started)) => {
                        self.started = Some(self.run.elapsed());
                        tracing::debug!(id = self.run.id, "the program runs");
                        self.run.observer.entered(Phase::Running);
                        deadline = far_off(far_off(Instant::now(), plan.limits.wall_time), GRACE);
                    }
                    Ok(Some(Event::Ended(status))) => {
                        self.ended = Some((status, self.run.elapsed()));
                        deadline = Instant::now() + GRACE;
                    }
                    Ok(Some(Event::Done)) => return End::Done,
                    Ok(Some(Event::Failed(reason))) => return End::Failed(reason),
                    Err(_) => return End::Garbled,
                }
            }
        }
    }
}

/// `time` after `from`, or later than anybody waits.
fn far_off(from: Instant, time: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
    from + time.min(TEN_YEARS)
}

/// What the end means for the caller.
fn judge(
    end: End,
    progress: &Progress,
    cancelled: bool,
    was_out_of_memory: impl FnOnce() -> bool,
) -> Result<Status, Error> {
    // What the runner has told of the program stands, whatever became of the rest.
    if let Some(status) = progress.ended {
        return Ok(status);
    }
    match (end, progress.started) {
        (_, false) if cancelled => {
            Err(Error::new(ErrorCode::Cancelled, "the run was cancelled before its program started"))
        }
        (End::Overdue, false) => {
            let message = "the sandbox was not up within the start-up time; give it more, or try when less is going on";
            let error = Error::new(ErrorCode::StartupTimeout, message);
            // Once it is ready, the program may just have started.
            Err(if progress.ready { error } else { error.retryable() })
        }
        (End::Failed(reason), false) => {
            let message = format!("the sandbox could not start the program: {reason}");
            Err(Error::new(ErrorCode::SandboxUnavailable, message).with_detail(reason))
        }
        (End::TooLarge, _) => Ok(Status::OutOfMemory),
        (_, true) if was_out_of_memory() => Ok(Status::OutOfMemory),
        (End::Overdue, true) => Ok(Status::TimedOut),
        (_, true) if cancelled => Ok(Status::Cancelled),
        (End::Failed(reason), true) => Err(lost().with_detail(reason)),
        (_, true) => Err(lost()),
        (_, false) => Err(vanished()),
    }
}

fn lost() -> Error {
    Error::new(ErrorCode::Evicted, "the sandbox died while the program ran; its result is lost")
}

fn vanished() -> Error {
    Error::new(ErrorCode::SandboxUnavailable, "the sandbox could not be started; the operator's log says why")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(end: End, progress: Progress, cancelled: bool) -> Result<Status, ErrorCode> {
        judge(end, &progress, cancelled, || false).map_err(|error| error.code)
    }

    fn progress(started: bool, ended: Option<Status>) -> Progress {
        Progress { ready: true, started, ended }
    }

    #[test]
    fn every_end_has_a_name() {
        let failed = || End::Failed("no wall".into());
        for (end, started, cancelled, expected) in [
            (failed(), false, false, Err(ErrorCode::SandboxUnavailable)),
            (failed(), true, false, Err(ErrorCode::Evicted)),
            (End::Overdue, false, false, Err(ErrorCode::StartupTimeout)),
            (End::Overdue, true, false, Ok(Status::TimedOut)),
            (End::TooLarge, true, false, Ok(Status::OutOfMemory)),
            (End::Vanished, false, false, Err(ErrorCode::SandboxUnavailable)),
            (End::Vanished, false, true, Err(ErrorCode::Cancelled)),
            (End::Vanished, true, true, Ok(Status::Cancelled)),
            (End::Vanished, true, false, Err(ErrorCode::Evicted)),
            (End::Garbled, true, false, Err(ErrorCode::Evicted)),
            (End::Garbled, false, false, Err(ErrorCode::SandboxUnavailable)),
        ] {
            let shown = format!("{end:?}");
            assert_eq!(judged(end, progress(started, None), cancelled), expected, "{shown} {started} {cancelled}");
        }
    }

    #[test]
    fn what_was_told_of_the_program_stands() {
        for end in [End::Done, End::Overdue, End::Vanished, End::Garbled, End::TooLarge] {
            let shown = format!("{end:?}");
            let judged = judged(end, progress(true, Some(Status::Exited(3))), true);
            assert_eq!(judged, Ok(Status::Exited(3)), "{shown}");
        }
    }

    #[test]
    fn a_sandbox_that_the_kernel_killed_is_out_of_memory() {
        let status = judge(End::Vanished, &progress(true, None), false, || true);
        assert_eq!(status.ok(), Some(Status::OutOfMemory));
    }

    #[test]
    fn only_what_certainly_did_not_start_may_be_tried_again() {
        let retryable = |ready| {
            let progress = Progress { ready, started: false, ended: None };
            judge(End::Overdue, &progress, false, || false).map_err(|error| error.retryable)
        };
        assert_eq!(retryable(false), Err(true));
        assert_eq!(retryable(true), Err(false));
    }
}
