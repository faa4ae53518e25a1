use super::*;
use crate::quantity::Bytes;
use cofferdam_protocol::TerminalSize;

fn plan(request: &SessionRequest) -> Result<SessionPlan, ErrorCode> {
    SessionPlan::new(&Policy::default(), request, &SessionConfig::default()).map_err(|error| error.code)
}

fn execution(spec: &ExecutionSpec) -> Result<ExecutionPlan, ErrorCode> {
    let session = plan(&SessionRequest::default()).expect("a session");
    session.execution(&Policy::default(), spec, &SessionConfig::default()).map_err(|error| error.code)
}

fn shell() -> ExecutionSpec {
    ExecutionSpec::new(ExecutionCall::Shell("true".into()))
}

#[test]
fn a_session_needs_the_same_sandbox_as_an_execution_of_its_language() {
    let session = plan(&SessionRequest::default()).expect("a session");
    let usual = Policy::default().plan(Request { code: "1".into(), ..Request::default() }).expect("a plan");
    assert_eq!(session.sandbox, usual.sandbox);
}

#[test]
fn a_request_that_has_no_meaning_for_a_session_is_refused() {
    let limits = RequestedLimits { collected_files: Some(1), ..RequestedLimits::default() };
    let env = vec![("A=B".to_owned(), String::new())];
    for request in [
        SessionRequest { limits, ..SessionRequest::default() },
        SessionRequest { name: Some(String::new()), ..SessionRequest::default() },
        SessionRequest { name: Some("x".repeat(129)), ..SessionRequest::default() },
        SessionRequest { working_dir: Some("a\0".into()), ..SessionRequest::default() },
        SessionRequest { metadata: [(String::new(), "a".into())].into(), ..SessionRequest::default() },
        SessionRequest { language: Some("cobol".into()), ..SessionRequest::default() },
        SessionRequest { env, ..SessionRequest::default() },
    ] {
        assert_eq!(plan(&request).err(), Some(ErrorCode::InvalidRequest), "{request:?}");
    }
}

#[test]
fn a_session_that_can_never_fit_is_above_a_ceiling() {
    let memory = Limits::DEFAULT.memory_bytes + Limits::DEFAULT.disk_bytes;
    let plan = |maximum| {
        let config = SessionConfig { max_memory_bytes: Bytes(maximum), ..SessionConfig::default() };
        SessionPlan::new(&Policy::default(), &SessionRequest::default(), &config).map(|plan| plan.memory())
    };
    assert_eq!(plan(memory), Ok(memory));
    let refused = plan(memory - 1).expect_err("it cannot fit");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::Denied, false));
    for part in [memory.to_string(), (memory - 1).to_string()] {
        assert!(refused.message.contains(&part), "{refused}");
    }
}

#[test]
fn an_execution_has_at_most_the_limits_of_its_session_and_the_operators_time() {
    let limits = |limits| execution(&ExecutionSpec { limits, ..shell() }).map(|plan| plan.command.limits);
    let session = Limits::DEFAULT;
    let usual = limits(RequestedLimits::default()).expect("limits");
    assert_eq!((usual.memory_bytes, usual.processes), (session.memory_bytes, session.processes));
    assert_eq!(
        (usual.wall_time, usual.output_bytes),
        (Some(session.wall_time()), Some(session.output_bytes))
    );
    let longest = Limits::DEFAULT_CEILINGS.wall_time_ms;
    let wall_time =
        |wall_time_ms| RequestedLimits { wall_time_ms: Some(wall_time_ms), ..RequestedLimits::default() };
    assert_eq!(
        limits(wall_time(longest)).map(|limits| limits.wall_time),
        Ok(Some(Duration::from_millis(longest)))
    );
    let memory =
        RequestedLimits { memory_bytes: Some(session.memory_bytes + 1), ..RequestedLimits::default() };
    for (requested, code) in [
        (wall_time(longest + 1), ErrorCode::Denied),
        (memory, ErrorCode::Denied),
        (wall_time(0), ErrorCode::InvalidRequest),
        (RequestedLimits { cpu_millis: Some(1), ..RequestedLimits::default() }, ErrorCode::InvalidRequest),
    ] {
        assert_eq!(limits(requested), Err(code), "{requested:?}");
    }
}

#[test]
fn the_background_and_a_terminal_have_no_limit_of_output() {
    let terminal = Some(TerminalSize { columns: 80, rows: 24 });
    let wall_time = RequestedLimits { wall_time_ms: Some(5), ..RequestedLimits::default() };
    let output = RequestedLimits { output_bytes: Some(5), ..RequestedLimits::default() };
    let background = ExecutionSpec { background: true, ..shell() };
    let retained = Retention::Last(1 << 20);
    for (spec, time) in [
        (background.clone(), None),
        (ExecutionSpec { limits: wall_time, ..background.clone() }, Some(Duration::from_millis(5))),
        (ExecutionSpec { terminal, ..shell() }, Some(Limits::DEFAULT.wall_time())),
    ] {
        let plan = execution(&spec).expect("a plan");
        let limits = plan.command.limits;
        assert_eq!(
            (plan.retention, limits.output_bytes, limits.wall_time),
            (retained, None, time),
            "{spec:?}"
        );
    }
    let refused = execution(&ExecutionSpec { limits: output, ..background }).err();
    assert_eq!(refused, Some(ErrorCode::InvalidRequest));
}

#[test]
fn an_execution_that_cannot_be_is_refused() {
    let none = Some(TerminalSize { columns: 0, rows: 24 });
    let program = |program: &[&str]| {
        ExecutionSpec::new(ExecutionCall::Program(program.iter().map(ToString::to_string).collect()))
    };
    for spec in [
        program(&[]),
        program(&["", "a"]),
        program(&["a\0"]),
        ExecutionSpec::new(ExecutionCall::Code {
            language: Some("cobol".into()),
            code: "1".into(),
            args: vec![],
        }),
        ExecutionSpec { terminal: none, ..shell() },
        ExecutionSpec { working_dir: Some(String::new()), ..shell() },
    ] {
        assert_eq!(execution(&spec).err(), Some(ErrorCode::InvalidRequest), "{spec:?}");
    }
    let stdin = StdinSpec::Bytes(vec![0; MAX_INPUT + 1]);
    assert_eq!(execution(&ExecutionSpec { stdin, ..shell() }).err(), Some(ErrorCode::TooLarge));
}

#[test]
fn a_list_shows_one_printable_line_of_an_execution() {
    let call = ExecutionCall::Shell(format!("echo \u{1b}[2J{}\nrm", "x".repeat(500)));
    let title = execution(&ExecutionSpec::new(call)).expect("a plan").title;
    assert_eq!((title.chars().count(), &title[..5]), (MAX_TITLE, "echo "));
    assert!(!title.contains('\u{1b}') && !title.contains("rm"));
}
