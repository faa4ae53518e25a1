use super::*;

fn failed() -> ExecutionResult {
    ExecutionResult::Problem(Arc::new(to_problem(Error::internal("no", "no"))))
}

/// The body of a `GET`, parsed.
fn json(execution: &Execution) -> cofferdam_http_api::Execution {
    serde_json::from_slice(&execution.to_json().concat()).expect("an execution")
}

#[test]
fn all_readers_of_an_outcome_share_its_bytes() {
    let (execution, publisher) = Execution::new(Instant::now());
    let outcome = cofferdam_http_api::Outcome {
        id: execution.id.clone(),
        status: cofferdam_http_api::Status::Exited(0),
        exit_code: Some(0),
        stdout: cofferdam_http_api::Output { content: Bytes(b"a\"b".to_vec()), length: 3, cut: None },
        stderr: cofferdam_http_api::Output::default(),
        files: vec![],
        modes: cofferdam_http_api::Modes::default(),
        skipped: vec![],
        timings_ms: cofferdam_http_api::Timings::default(),
        warm: false,
    };
    assert_eq!(json(&execution).state, State::Queued);
    let bytes = SharedBytes::from(serde_json::to_vec(&outcome).expect("JSON"));
    publisher.end(ExecutionResult::Outcome(bytes.clone()));
    let read = execution.to_json();
    assert!(read.iter().any(|part| part.as_ptr() == bytes.as_ptr() && part.len() == bytes.len()));
    assert_eq!(json(&execution).state, State::Ended { outcome });
}

#[test]
fn dropping_the_last_waiter_cancels() {
    let (execution, _publisher) = Execution::new(Instant::now());
    let (one, other) = (execution.attach(false), execution.attach(false));
    drop(one);
    assert!(!execution.cancelled.is_cancelled());
    drop(other);
    assert!(execution.cancelled.is_cancelled());
}

#[test]
fn a_detached_execution_continues_without_waiters() {
    let (execution, _publisher) = Execution::new(Instant::now());
    let (one, other) = (execution.attach(true), execution.attach(false));
    drop((one, other));
    assert!(!execution.cancelled.is_cancelled());
}

#[tokio::test]
async fn the_problem_of_a_lost_task_has_the_id_of_the_execution() {
    let (execution, publisher) = Execution::new(Instant::now());
    drop(publisher);
    let problem = execution.wait().await.outcome().expect_err("a problem");
    assert_eq!(
        (problem.code, problem.id.as_ref()),
        (cofferdam_http_api::ErrorCode::Internal, Some(&execution.id))
    );
}

#[tokio::test]
async fn events_are_published_in_order_until_the_end() {
    let (execution, publisher) = Execution::new(Instant::now());
    let mut events = execution.subscribe().expect("events");
    publisher.on_phase(Phase::Starting);
    publisher.on_output(Stream::Stderr, b"e");
    publisher.end(failed());
    assert_eq!(*events.recv().await.expect("an event"), Event::Reached(cofferdam_http_api::Phase::Queued));
    assert_eq!(*events.recv().await.expect("an event"), Event::Stderr(Bytes(b"e".to_vec())));
    assert!(matches!(events.recv().await, Err(broadcast::error::RecvError::Closed)));
    assert!(execution.wait().await.outcome().is_err());
    assert!(execution.subscribe().is_none());
    assert!(matches!(json(&execution).state, State::Failed { .. }));
}

#[tokio::test]
async fn an_execution_whose_task_is_lost_has_a_result() {
    let (execution, publisher) = Execution::new(Instant::now());
    drop(publisher);
    assert!(execution.wait().await.outcome().is_err());
}

#[tokio::test]
async fn a_slow_reader_misses_the_oldest_events() {
    let (execution, publisher) = Execution::new(Instant::now());
    let mut events = execution.subscribe().expect("events");
    for _ in 0..MAX_PENDING_EVENTS + 3 {
        publisher.on_output(Stream::Stdout, b"x");
    }
    assert!(matches!(events.recv().await, Err(broadcast::error::RecvError::Lagged(3))));
}
