//! Executes one plan and verifies its results.

use super::{
    env::{Env, PLAN_LABEL, STARTUP_TIMEOUT, WALL_TIME},
    node,
    plan::{Interference, InterferenceKind, Plan},
    program::Program,
    step::Step,
    verify::{is_output_lost, violation},
};
use cofferdam::{
    Runtime,
    core::NoObserver,
    types::{Error, Report, Request},
};
use cofferdam_tests::{
    cluster::{Action, ApiRequest, Proxy, eventually},
    conformance::Failure,
    program::TestDir,
};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    ResourceExt,
    api::{DeleteParams, EvictParams, ListParams},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Maximum duration of a run: both of its limits, and the timeouts of requests to which the API server does
/// not respond.
const RUN_TIMEOUT: Duration = Duration::from_secs(STARTUP_TIMEOUT.as_secs() + WALL_TIME.as_secs() + 40);
/// Maximum duration of the deletions that follow the runs.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The outcome of one run.
pub(crate) struct Outcome {
    /// The status or the error code.
    pub(crate) name: String,
    pub(crate) duration: Duration,
}

/// The result of a plan.
#[derive(Default)]
pub(crate) struct CaseResult {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) violations: Vec<String>,
    /// Total duration, until all objects were deleted.
    pub(crate) duration: Duration,
}

/// A run of a plan. The result is `None` if there was none within [`RUN_TIMEOUT`].
struct RunResult<'a> {
    mark: String,
    program: &'a Program,
    result: Option<Result<Report, Error>>,
    duration: Duration,
}

/// Executes the plan of this number.
pub(crate) async fn run(env: &Env, plan: Plan, seed: u64, number: u64) -> Result<CaseResult, Failure> {
    let dir = TestDir::new();
    let plan = Arc::new(plan);
    let proxy = Proxy::start(&env.kubeconfig(plan.workload), dir.path(), script(plan.clone())).await?;
    let settings = env.settings(proxy.kubeconfig().to_owned(), plan.workload, number);
    let sidecar = if plan.is_warm { settings.pooled_runtime()? } else { settings.runtime()? };
    let mut case = CaseResult::default();
    if plan.is_warm && timeout(2 * RUN_TIMEOUT, sidecar.warm_up(request("#"))).await.is_err() {
        case.violations.push("warming up neither succeeded nor failed".into());
    }
    let runs_ended = CancellationToken::new();
    let running = async {
        let runs = run_programs(&sidecar, &plan, seed, number).await;
        runs_ended.cancel();
        runs
    };
    let interfering = async {
        tokio::select! {
            () = interfere_at_step(env, &proxy, &plan, number) => runs_ended.cancelled().await,
            // The runs may never reach the step.
            () = runs_ended.cancelled() => {}
        }
    };
    let ((), runs) = tokio::join!(interfering, running);
    if timeout(SETTLE_TIMEOUT, sidecar.drain()).await.is_err() {
        case.violations.push(format!("deletions did not end in {SETTLE_TIMEOUT:?}"));
    }
    let created = proxy.created();
    verify_deletion(env, &plan, number, &created, &mut case).await?;
    for run in runs {
        verify_run(env, &plan, run, &created, &mut case).await?;
    }
    Ok(case)
}

/// Executes the plan's programs one after the other.
async fn run_programs<'a>(sidecar: &Runtime, plan: &'a Plan, seed: u64, number: u64) -> Vec<RunResult<'a>> {
    let mut runs = Vec::new();
    for (index, program) in plan.programs.iter().enumerate() {
        let mark = format!("{seed}-{number}-{index}");
        let cancelled = CancellationToken::new();
        let mut canceller = JoinSet::new();
        if let Some(delay) = plan.cancelled.filter(|_| index == 0) {
            let cancelled = cancelled.clone();
            canceller.spawn(async move {
                sleep(delay).await;
                cancelled.cancel();
            });
        }
        let start = Instant::now();
        let run = sidecar.run(request(&program.code(&mark)), &cancelled, &NoObserver);
        let result = timeout(RUN_TIMEOUT, run).await.ok();
        runs.push(RunResult { mark, program, result, duration: start.elapsed() });
    }
    runs
}

/// Waits for the step of the plan's interference and performs it.
async fn interfere_at_step(env: &Env, proxy: &Proxy, plan: &Plan, number: u64) {
    let Some(interference) = plan.interference else { return };
    proxy.wait_for_matching(|request| Step::of(request) == Some(interference.step)).await;
    sleep(interference.delay).await;
    if let Err(error) = interfere(env, interference, number).await {
        // The object may not exist at this step.
        eprintln!("ONLY={number} {:?}: {error}", interference.kind);
    }
}

/// Checks that the sidecar has deleted all objects and that they disappear.
async fn verify_deletion(
    env: &Env,
    plan: &Plan,
    number: u64,
    created: &BTreeSet<String>,
    case: &mut CaseResult,
) -> Result<(), Failure> {
    let undeleted = env.undeleted(created).await?;
    if !undeleted.is_empty() {
        case.violations.push(format!("not deleted by the sidecar: {undeleted:?}"));
    }
    if let Err(error) = eventually(|| env.remaining(created), Vec::is_empty).await {
        if plan.may_damage_node() {
            eprintln!("ONLY={number} the damaged node cannot remove deleted objects: {error}");
        } else {
            case.violations.push(format!("deleted objects remain: {error}"));
        }
    }
    Ok(())
}

/// Checks the guarantees of one run.
async fn verify_run(
    env: &Env,
    plan: &Plan,
    run: RunResult<'_>,
    created: &BTreeSet<String>,
    case: &mut CaseResult,
) -> Result<(), Failure> {
    let mut executions = env.executions(&run.mark, created).await?;
    let Some(result) = run.result else {
        case.violations.push(format!("no result in {RUN_TIMEOUT:?}, executed {executions} times"));
        return Ok(());
    };
    // The real node's kubelet may have been restarted before it reported the start.
    if result.is_ok() && env.fake_node.is_none() {
        executions = executions.max(1);
    }
    case.violations.extend(violation(run.program, &result, executions, plan.may_damage_node()));
    case.outcomes.push(Outcome { name: outcome_name(&result), duration: run.duration });
    Ok(())
}

fn outcome_name(result: &Result<Report, Error>) -> String {
    match result {
        Ok(report) => format!("{:?}", report.status).split('(').next().unwrap_or_default().to_owned(),
        Err(error) if is_output_lost(error) => format!("error: {:?}, output lost", error.code),
        Err(error) => format!("error: {:?}", error.code),
    }
}

fn request(code: &str) -> Request {
    Request { code: code.to_owned(), ..Request::default() }
}

/// The proxy's script for a plan: counts the requests of each step.
fn script(plan: Arc<Plan>) -> impl Fn(&ApiRequest, usize) -> Action + Send + Sync {
    let counts: Mutex<HashMap<Step, usize>> = Mutex::default();
    move |request, _| {
        let Some(step) = Step::of(request) else { return Action::Forward };
        let index = {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(step).or_default();
            *count += 1;
            *count - 1
        };
        plan.action(step, index)
    }
}

/// Performs an interference.
async fn interfere(env: &Env, interference: Interference, number: u64) -> Result<(), Failure> {
    if let InterferenceKind::Restart(program) = interference.kind {
        return node::restart(program);
    }
    let pods = env.namespace.objects::<Pod>();
    let found = pods.list(&ListParams::default().labels(&format!("{PLAN_LABEL}={number}"))).await?;
    let Some(pod) = found.items.first() else { return Ok(()) };
    let name = pod.name_any();
    match interference.kind {
        InterferenceKind::DeletePod => drop(pods.delete(&name, &DeleteParams::default()).await?),
        InterferenceKind::KillPod => {
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            drop(pods.delete(&name, &now).await?);
        }
        InterferenceKind::EvictPod => drop(pods.evict(&name, &EvictParams::default()).await?),
        InterferenceKind::DeleteOwner => {
            let run = pod.labels().get("cofferdam.dev/run").cloned().unwrap_or_default();
            let jobs = env.namespace.objects::<Job>();
            drop(jobs.delete(&run, &DeleteParams::background()).await?);
        }
        InterferenceKind::Restart(_) => {}
    }
    Ok(())
}
