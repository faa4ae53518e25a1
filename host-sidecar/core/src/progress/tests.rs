use super::*;
use crate::{NoObserver, policy::Policy};
use cofferdam_protocol::{Frame, Termination, encode};
use tokio_util::sync::CancellationToken;

const GRACE: Grace = Grace { end: Duration::from_secs(2), files: Duration::from_secs(10) };

fn run(cancelled: &CancellationToken) -> Run<'_> {
    Run { id: "run-0".into(), requested: std::time::Instant::now(), cancelled, observer: &NoObserver }
}

/// That of a run whose sandbox is still to be built, and whose caller asks for all files.
fn progress<'a>(run: &'a Run<'a>) -> Progress<'a> {
    let policy = Policy::default();
    let request = cofferdam_types::Request { code: "#".into(), collect: vec!["*".into()], ..Default::default() };
    Progress::new(run, &policy.plan(request).expect("a plan"), false, GRACE)
}

/// What is made of an end, after these frames.
fn judge(frames: &[Frame], end: End, cancelled: bool, was_out_of_memory: bool) -> Result<Report, Error> {
    let token = CancellationToken::new();
    let run = run(&token);
    let mut progress = progress(&run);
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
    let incomplete = || End::Incomplete("a gap".into());
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
        (incomplete(), started, false, Err(ErrorCode::Unreachable)),
        (incomplete(), started, true, Ok(Status::Cancelled)),
        (incomplete(), ready, false, Err(ErrorCode::Unreachable)),
    ] {
        let shown = format!("{end:?}");
        assert_eq!(status(frames, end, cancelled), expected, "{shown} {frames:?} {cancelled}");
    }
}

#[test]
fn lost_output_is_explained_to_the_operator_and_not_worth_another_try() {
    for frames in [[Frame::Ready].as_slice(), &[Frame::Ready, Frame::Started]] {
        let error = judge(frames, End::Incomplete("a gap".into()), false, false).expect_err("it is lost");
        assert_eq!((error.detail.as_deref(), error.retryable), (Some("a gap"), false), "{error:?}");
    }
}

#[test]
fn what_was_told_of_the_program_stands() {
    let frames = [Frame::Ready, Frame::Started, Frame::Terminated(Termination::Exited(3), Duration::ZERO)];
    for end in [End::Done, End::Overdue, End::Vanished, End::Incomplete("a gap".into()), End::TooLarge] {
        let shown = format!("{end:?}");
        assert_eq!(status(&frames, end, true), Ok(Status::Exited(3)), "{shown}");
    }
}

#[test]
fn a_sandbox_that_the_kernel_killed_is_out_of_memory() {
    let report = judge(&[Frame::Ready, Frame::Started], End::Vanished, false, true);
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
    let frames = [Frame::Ready, Frame::Started, Frame::Terminated(Termination::Exited(0), Duration::ZERO)];
    let skipped = |end| judge(&frames, end, false, false).expect("a report").skipped.len();
    assert_eq!((skipped(End::Done), skipped(End::Vanished)), (0, 1));
}

#[test]
fn a_start_that_was_seen_late_is_counted_back_from_the_end() {
    let frames = [Frame::Ready, Frame::Started, Frame::Terminated(Termination::Exited(0), Duration::from_secs(3600))];
    let timings = judge(&frames, End::Done, false, false).expect("a report").timings;
    assert_eq!(timings.started, Some(Duration::ZERO));
}

/// Follows frames; gives the end, and the deadline before them and after each.
fn follow(frames: &[Frame], is_cancelled_before: Option<usize>) -> (Option<End>, Vec<Instant>) {
    let token = CancellationToken::new();
    let run = run(&token);
    let mut progress = progress(&run);
    let (mut end, mut deadlines) = (None, vec![progress.deadline()]);
    for (number, frame) in frames.iter().enumerate() {
        if is_cancelled_before == Some(number) {
            progress.hurry();
        }
        end = end.or(progress.take(&encode(frame)));
        deadlines.push(progress.deadline());
    }
    (end, deadlines)
}

fn ended(ending: Termination) -> Frame {
    Frame::Terminated(ending, Duration::ZERO)
}

fn file(name: &str) -> Frame {
    Frame::File(name.into(), vec![])
}

#[test]
fn no_frame_puts_off_the_end_of_the_wall_time() {
    let output = || Frame::Output(cofferdam_protocol::Stream::Stdout, vec![0]);
    let frames = [Frame::Ready, Frame::Started, output(), output(), ended(Termination::TimedOut), file("a"), file("b")];
    let (end, deadlines) = follow(&frames, None);
    assert!(end.is_none(), "{end:?}");
    assert_eq!(deadlines[0], deadlines[1]);
    assert!(deadlines[2] - deadlines[1] >= Duration::from_secs(302 - 60));
    assert!(deadlines[2..].iter().all(|deadline| *deadline == deadlines[2]), "{deadlines:?}");
}

#[test]
fn files_have_their_time_once() {
    let frames = [Frame::Ready, Frame::Started, ended(Termination::Exited(0)), file("a"), file("b")];
    let (end, deadlines) = follow(&frames, None);
    assert!(end.is_none(), "{end:?}");
    assert!(deadlines[3] < deadlines[2]);
    assert!(deadlines[3..].iter().all(|deadline| *deadline == deadlines[3]), "{deadlines:?}");
}

#[test]
fn a_cancelled_run_has_a_moment_to_end_and_then_the_time_for_its_files() {
    let frames = [Frame::Ready, Frame::Started, ended(Termination::Cancelled), file("a")];
    let now = Instant::now();
    let (_, deadlines) = follow(&frames, Some(1));
    assert!(deadlines[2] - now < Duration::from_secs(9) && deadlines[2] < deadlines[1], "{deadlines:?}");
    assert!(deadlines[3] - now >= GRACE.files && deadlines[3] == deadlines[4], "{deadlines:?}");
}

#[test]
fn a_runner_that_tells_its_story_twice_is_not_believed() {
    let begun = [Frame::Ready, Frame::Started];
    for again in [Frame::Ready, Frame::Started, Frame::Done] {
        let (end, _) = follow(&[&begun[..], &[again]].concat(), None);
        assert!(matches!(end, Some(End::Corrupt(_))), "{end:?}");
    }
    let twice = [ended(Termination::Exited(0)), ended(Termination::Exited(0))];
    assert!(matches!(follow(&[&begun[..], &twice].concat(), None).0, Some(End::Corrupt(_))));
}

#[test]
fn nothing_is_believed_of_a_runner_that_breaks_the_protocol() {
    let frames = [Frame::Ready, Frame::Started, ended(Termination::Exited(0))];
    let corrupt = || {
        let mut collector = Collector::new(&Policy::default().defaults, &[], false);
        collector.push(&encode(&Frame::Done));
        End::Corrupt(collector.next_event().expect_err("nothing has begun"))
    };
    assert_eq!(status(&frames, corrupt(), false), Err(ErrorCode::Internal));
    assert_eq!(status(&frames, corrupt(), true), Err(ErrorCode::Internal));
    assert_eq!(status(&frames[..1], corrupt(), false), Err(ErrorCode::SandboxUnavailable));
}
