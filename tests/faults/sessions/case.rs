//! Executes one plan and verifies its results.

use super::{
    client::OperationError,
    host::{Host, Place},
    operation::Operation,
    plan::{Fault, Plan},
    session::{Creation, Session},
};
use crate::case::{CaseResult, Outcome};
use cofferdam_tests::conformance::Failure;
use std::{
    iter::repeat_with,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Time in which an operation certainly has a result, also if the API server responds slowly.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(180);

/// Executes a plan.
pub(crate) async fn run(place: Place, plan: Plan) -> Result<CaseResult, Failure> {
    let mut case = CaseResult::default();
    let mut host = Host::start(&place, &plan).await?;
    if let Err(violation) = run_operations(&mut host, &plan, &mut case).await {
        case.violations.push(violation.to_string());
    }
    // More than one of a session shows that it was resumed.
    let connection = || Outcome { name: "connection to a Pod".into(), duration: Duration::ZERO };
    case.outcomes.extend(repeat_with(connection).take(host.pod_connections()));
    case.violations.extend(host.end().await?);
    Ok(case)
}

/// Executes the operations one after the other. If the session is lost, the rest of them is executed in another one.
async fn run_operations(host: &mut Host, plan: &Plan, case: &mut CaseResult) -> Result<(), Failure> {
    let creation = Creation { name: "first", lost: plan.lost_creation, may_fail: host.is_in_cluster() };
    let mut session = bounded(Session::create(host.client(), creation)).await?;
    for (number, operation) in plan.operations.iter().enumerate() {
        let start = Instant::now();
        let is_disturbed = number == plan.at;
        let performing = bounded(perform(operation, &mut session));
        let result = if is_disturbed {
            let causing = async {
                sleep(plan.delay).await;
                host.cause(&plan.fault).await
            };
            let (result, caused) = tokio::join!(performing, causing);
            caused?;
            result
        } else {
            performing.await
        };
        let is_lost = is_disturbed && plan.fault.ends_session();
        let name = match &result {
            Err(OperationError::NoResult(_)) if is_lost => format!("{}, lost", operation.name()),
            Err(error) => return Err(format!("operation {number}, {operation:?}: {error}").into()),
            Ok(()) => operation.name().to_owned(),
        };
        case.outcomes.push(Outcome { name, duration: start.elapsed() });
        if is_lost {
            session = replace(session, host, &plan.fault).await?;
        }
    }
    bounded(session.close()).await?;
    Ok(())
}

/// Checks that a session is lost, and creates another one.
async fn replace(session: Session, host: &mut Host, fault: &Fault) -> Result<Session, Failure> {
    let session = session.with_client(host.client());
    if matches!(fault, Fault::KillSidecar) {
        session.expect_unknown().await?;
        host.expect_nothing_left().await?;
    } else {
        session.wait_for_loss().await?;
    }
    let creation = Creation { name: "second", lost: None, may_fail: host.is_in_cluster() };
    Ok(bounded(Session::create(host.client(), creation)).await?)
}

async fn perform(operation: &Operation, session: &mut Session) -> Result<(), OperationError> {
    match operation {
        Operation::Execute(writer) => session.execute(*writer).await,
        Operation::Follow { writer, cuts, lost_start } => {
            session.start_and_follow(*writer, cuts, *lost_start).await
        }
        Operation::Abandon(bytes) => session.abandon(*bytes).await,
        Operation::Signal(signal) => session.signal(*signal).await,
        Operation::Copy { length, cut } => session.copy(*length, *cut).await,
        Operation::List(files) => session.list(*files).await,
        Operation::ExceedMemory => session.exceed_memory().await,
        Operation::ExceedProcesses => session.exceed_processes().await,
        Operation::ExceedDisk => session.exceed_disk().await,
        Operation::ExceedTime => session.exceed_time().await,
    }
}

/// The result of an operation, which must have one in time.
async fn bounded<T>(operation: impl Future<Output = Result<T, OperationError>>) -> Result<T, OperationError> {
    let hangs = |_| OperationError::Wrong(format!("it has no result in {OPERATION_TIMEOUT:?}"));
    timeout(OPERATION_TIMEOUT, operation).await.map_err(hangs)?
}
