use super::*;
use crate::{NoObserver, policy::Policy};
use cofferdam_protocol::{CONTROL, EXECUTION, Frame, Hello, Termination};
use cofferdam_types::ErrorCode;
use tokio_util::sync::CancellationToken;

const GRACE: Grace = Grace { end: Duration::from_secs(2), files: Duration::from_secs(10) };

fn encode(frame: &Frame) -> Vec<u8> {
    let channel = if matches!(frame, Frame::Hello(_)) { CONTROL } else { EXECUTION };
    cofferdam_protocol::encode(channel, frame).expect("a short frame")
}

fn hello() -> Frame {
    Frame::Hello(Hello::of_this_version(&[]))
}

fn context(cancelled: &CancellationToken) -> ExecutionContext<'_> {
    ExecutionContext { id: "run-0".into(), requested: Instant::now(), cancelled, observer: &NoObserver }
}

/// The state of an execution without a sandbox, whose caller collects all files.
fn state<'a>(context: &'a ExecutionContext<'a>) -> ExecutionState<'a> {
    let policy = Policy::default();
    let request =
        cofferdam_types::Request { code: "#".into(), collect: vec!["*".into()], ..Default::default() };
    ExecutionState::new(context, &policy.plan(request).expect("a plan").exec, false, GRACE)
}

/// The report after these frames and this end.
fn classify(
    frames: &[Frame],
    end: SandboxEnd,
    cancelled: bool,
    was_out_of_memory: bool,
) -> Result<Report, Error> {
    let token = CancellationToken::new();
    let context = context(&token);
    let mut state = state(&context);
    for frame in frames {
        assert!(state.push(&encode(frame)).is_none(), "{frame:?} ends the execution");
    }
    if cancelled {
        token.cancel();
    }
    state.report(end, || was_out_of_memory)
}

fn status(frames: &[Frame], end: SandboxEnd, cancelled: bool) -> Result<Status, ErrorCode> {
    classify(frames, end, cancelled, false).map(|report| report.status).map_err(|error| error.code)
}

#[test]
fn every_end_has_its_own_status_or_error() {
    let failed = || SandboxEnd::Failed("no isolation".into());
    let incomplete = || SandboxEnd::Incomplete("a gap".into());
    let started = &[hello(), Frame::Started][..];
    let ready = &started[..1];
    for (end, frames, cancelled, expected) in [
        (failed(), ready, false, Err(ErrorCode::SandboxUnavailable)),
        (failed(), started, false, Err(ErrorCode::Evicted)),
        (SandboxEnd::TimedOut, ready, false, Err(ErrorCode::StartupTimeout)),
        (SandboxEnd::TimedOut, started, false, Ok(Status::TimedOut)),
        (SandboxEnd::MemoryExceeded, started, false, Ok(Status::OutOfMemory)),
        (SandboxEnd::Disconnected, ready, false, Err(ErrorCode::SandboxUnavailable)),
        (SandboxEnd::Disconnected, ready, true, Err(ErrorCode::Cancelled)),
        (SandboxEnd::Disconnected, started, true, Ok(Status::Cancelled)),
        (SandboxEnd::Disconnected, started, false, Err(ErrorCode::Evicted)),
        (incomplete(), started, false, Err(ErrorCode::Unreachable)),
        (incomplete(), started, true, Ok(Status::Cancelled)),
        (incomplete(), ready, false, Err(ErrorCode::Unreachable)),
    ] {
        let shown = format!("{end:?}");
        assert_eq!(status(frames, end, cancelled), expected, "{shown} {frames:?} {cancelled}");
    }
}

#[test]
fn lost_output_is_explained_to_the_operator_and_not_retryable() {
    for frames in [[hello()].as_slice(), &[hello(), Frame::Started]] {
        let error =
            classify(frames, SandboxEnd::Incomplete("a gap".into()), false, false).expect_err("it is lost");
        assert_eq!((error.detail.as_deref(), error.retryable), (Some("a gap"), false), "{error:?}");
    }
}

#[test]
fn a_reported_end_of_the_program_counts() {
    let frames = [hello(), Frame::Started, Frame::Terminated(Termination::Exited(3), Duration::ZERO)];
    for end in [
        SandboxEnd::Done,
        SandboxEnd::TimedOut,
        SandboxEnd::Disconnected,
        SandboxEnd::Incomplete("a gap".into()),
        SandboxEnd::MemoryExceeded,
    ] {
        let shown = format!("{end:?}");
        assert_eq!(status(&frames, end, true), Ok(Status::Exited(3)), "{shown}");
    }
}

#[test]
fn a_sandbox_that_the_kernel_killed_is_out_of_memory() {
    let report = classify(&[hello(), Frame::Started], SandboxEnd::Disconnected, false, true);
    assert_eq!(report.map(|report| report.status), Ok(Status::OutOfMemory));
}

#[test]
fn only_a_program_that_certainly_did_not_start_is_retryable() {
    let retryable = |frames: &[Frame]| {
        classify(frames, SandboxEnd::TimedOut, false, false).map_err(|error| error.retryable)
    };
    assert_eq!(retryable(&[]).err(), Some(true));
    assert_eq!(retryable(&[hello()]).err(), Some(false));
}

#[test]
fn lost_files_are_reported_as_skipped() {
    let frames = [hello(), Frame::Started, Frame::Terminated(Termination::Exited(0), Duration::ZERO)];
    let skipped = |end| classify(&frames, end, false, false).expect("a report").skipped.len();
    assert_eq!((skipped(SandboxEnd::Done), skipped(SandboxEnd::Disconnected)), (0, 1));
}

#[test]
fn a_late_report_of_the_start_is_corrected_by_the_running_time() {
    let frames =
        [hello(), Frame::Started, Frame::Terminated(Termination::Exited(0), Duration::from_secs(3600))];
    let timings = classify(&frames, SandboxEnd::Done, false, false).expect("a report").timings;
    assert_eq!(timings.started, Some(Duration::ZERO));
}

/// Pushes frames. Returns the end, and the deadline before them and after each.
fn push_all(frames: &[Frame], is_cancelled_before: Option<usize>) -> (Option<SandboxEnd>, Vec<Instant>) {
    let token = CancellationToken::new();
    let context = context(&token);
    let mut state = state(&context);
    let (mut end, mut deadlines) = (None, vec![state.deadline()]);
    for (number, frame) in frames.iter().enumerate() {
        if is_cancelled_before == Some(number) {
            state.cap_deadline();
        }
        end = end.or(state.push(&encode(frame)));
        deadlines.push(state.deadline());
    }
    (end, deadlines)
}

fn terminated(termination: Termination) -> Frame {
    Frame::Terminated(termination, Duration::ZERO)
}

fn file(name: &str) -> Frame {
    Frame::File(name.into(), 0o644, vec![])
}

#[test]
fn no_frame_postpones_the_end_of_the_wall_time() {
    let output = || Frame::Output(cofferdam_protocol::Stream::Stdout, vec![0]);
    let frames = [
        hello(),
        Frame::Started,
        output(),
        output(),
        terminated(Termination::TimedOut),
        file("a"),
        file("b"),
    ];
    let (end, deadlines) = push_all(&frames, None);
    assert!(end.is_none(), "{end:?}");
    assert_eq!(deadlines[0], deadlines[1]);
    assert!(deadlines[2] - deadlines[1] >= Duration::from_secs(302 - 60));
    assert!(deadlines[2..].iter().all(|deadline| *deadline == deadlines[2]), "{deadlines:?}");
}

#[test]
fn the_time_for_files_is_granted_once() {
    let frames = [hello(), Frame::Started, terminated(Termination::Exited(0)), file("a"), file("b")];
    let (end, deadlines) = push_all(&frames, None);
    assert!(end.is_none(), "{end:?}");
    assert!(deadlines[3] < deadlines[2]);
    assert!(deadlines[3..].iter().all(|deadline| *deadline == deadlines[3]), "{deadlines:?}");
}

#[test]
fn a_cancelled_execution_must_end_soon_and_then_has_the_time_for_its_files() {
    let frames = [hello(), Frame::Started, terminated(Termination::Cancelled), file("a")];
    let now = Instant::now();
    let (_, deadlines) = push_all(&frames, Some(1));
    assert!(deadlines[2] - now < Duration::from_secs(9) && deadlines[2] < deadlines[1], "{deadlines:?}");
    assert!(deadlines[3] - now >= GRACE.files && deadlines[3] == deadlines[4], "{deadlines:?}");
}

#[test]
fn a_repeated_frame_violates_the_protocol() {
    let started = [hello(), Frame::Started];
    for again in [hello(), Frame::Started, Frame::Done] {
        let (end, _) = push_all(&[&started[..], &[again]].concat(), None);
        assert!(matches!(end, Some(SandboxEnd::Corrupt(_))), "{end:?}");
    }
    let twice = [terminated(Termination::Exited(0)), terminated(Termination::Exited(0))];
    assert!(matches!(push_all(&[&started[..], &twice].concat(), None).0, Some(SandboxEnd::Corrupt(_))));
}

#[test]
fn no_output_of_a_runner_that_violates_the_protocol_is_used() {
    let frames = [hello(), Frame::Started, terminated(Termination::Exited(0))];
    let corrupt = || {
        let mut assembler = OutputAssembler::new(&Policy::default().defaults, &[], false);
        assembler.push(&encode(&Frame::Done));
        SandboxEnd::Corrupt(assembler.next_event().expect_err("the protocol is violated"))
    };
    assert_eq!(status(&frames, corrupt(), false), Err(ErrorCode::Internal));
    assert_eq!(status(&frames, corrupt(), true), Err(ErrorCode::Internal));
    assert_eq!(status(&frames[..1], corrupt(), false), Err(ErrorCode::SandboxUnavailable));
}
