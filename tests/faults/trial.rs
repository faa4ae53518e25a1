//! One plan carried out, and judged.

use super::{
    judge::{is_output_lost, violation},
    node,
    plan::{Interference, Interferes, Plan},
    stage::{PLAN, STARTUP, Stage, WALL},
    step::Step,
};
use cofferdam::{
    core::NoObserver,
    types::{Error, Report, Request},
};
use cofferdam_tests::{
    cluster::{Action, Asked, Proxy, eventually},
    conformance::Failure,
    program::Place,
};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    ResourceExt,
    api::{DeleteParams, EvictParams, ListParams},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// When there has to be an answer: both times, and what each step may take that an API server does not answer.
const BOUND: Duration = Duration::from_secs(STARTUP.as_secs() + WALL.as_secs() + 40);
/// When what runs have left has to be told to go.
const SETTLED: Duration = Duration::from_secs(90);

/// What came of one run.
pub(crate) struct Outcome {
    /// In a word.
    pub(crate) name: String,
    pub(crate) took: Duration,
}

/// What came of a plan.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) violations: Vec<String>,
    /// All of it, and until nothing was left.
    pub(crate) took: Duration,
}

/// Carries out the plan of this number.
pub(crate) async fn carry_out(stage: &Stage, plan: Plan, seed: u64, number: u64) -> Result<Verdict, Failure> {
    let place = Place::new();
    let plan = Arc::new(plan);
    let proxy = Proxy::start(&stage.kubeconfig(plan.workload), place.path(), script(plan.clone())).await?;
    let settings = stage.settings(proxy.kubeconfig().to_owned(), plan.workload, number);
    let sidecar = if plan.is_warm { settings.pooled_runtime()? } else { settings.runtime()? };
    let mut verdict = Verdict::default();
    if plan.is_warm && timeout(2 * BOUND, sidecar.warm_up(request("#"))).await.is_err() {
        verdict.violations.push("it never said whether a sandbox waits".into());
    }
    let (mut results, stop) = (Vec::new(), CancellationToken::new());
    let meddling = async {
        let Some(interference) = plan.interference else { return };
        proxy.heard_such(|asked| Step::of(asked) == Some(interference.step)).await;
        sleep(interference.delay).await;
        if let Err(error) = interfere(stage, interference, number).await {
            // Where there was nothing to take away, there was nothing.
            eprintln!("ONLY={number} {:?}: {error}", interference.what);
        }
    };
    // The step that others wait for may never come.
    let meddling = async {
        tokio::select! {
            () = meddling => stop.cancelled().await,
            () = stop.cancelled() => {}
        }
    };
    let running = async {
        for (at, program) in plan.programs.iter().enumerate() {
            let mark = format!("{seed}-{number}-{at}");
            let cancelled = CancellationToken::new();
            let mut caller = JoinSet::new();
            if let Some(after) = plan.cancelled.filter(|_| at == 0) {
                let cancelled = cancelled.clone();
                caller.spawn(async move {
                    sleep(after).await;
                    cancelled.cancel();
                });
            }
            let begun = Instant::now();
            let result = timeout(BOUND, sidecar.run(request(&program.code(&mark)), &cancelled, &NoObserver)).await;
            results.push((mark, program, result.ok(), begun.elapsed()));
        }
        stop.cancel();
    };
    tokio::join!(meddling, running);
    if timeout(SETTLED, sidecar.settle()).await.is_err() {
        verdict.violations.push("it never settled".into());
    }
    let created = proxy.created();
    let kept = stage.kept(&created).await?;
    if !kept.is_empty() {
        verdict.violations.push(format!("nobody has told these to go: {kept:?}"));
    }
    if let Err(error) = eventually(|| stage.left(&created), Vec::is_empty).await {
        if plan.may_hurt_node() {
            eprintln!("ONLY={number} the node cannot remove what was told to go: {error}");
        } else {
            verdict.violations.push(format!("left after a minute: {error}"));
        }
    }
    for (mark, program, result, took) in results {
        let executions = stage.executions(&mark, &created).await?;
        // The kubelet that was to tell of it may have been ended.
        let executions = if result.as_ref().is_some_and(Result::is_ok) && stage.hollow.is_none() {
            executions.max(1)
        } else {
            executions
        };
        let Some(result) = result else {
            verdict.violations.push(format!("no answer in {BOUND:?}, executed {executions} times"));
            continue;
        };
        verdict.violations.extend(violation(program, &result, executions, plan.may_hurt_node()));
        verdict.outcomes.push(Outcome { name: name(&result), took });
    }
    Ok(verdict)
}

fn name(result: &Result<Report, Error>) -> String {
    match result {
        Ok(report) => format!("{:?}", report.status).split('(').next().unwrap_or_default().to_owned(),
        Err(error) if is_output_lost(error) => format!("error: {:?}, output lost", error.code),
        Err(error) => format!("error: {:?}", error.code),
    }
}

fn request(code: &str) -> Request {
    Request { code: code.to_owned(), ..Request::default() }
}

/// What the plan says of each request.
fn script(plan: Arc<Plan>) -> impl Fn(&Asked, usize) -> Action + Send + Sync {
    let counts: Mutex<HashMap<Step, usize>> = Mutex::default();
    move |asked, _| {
        let Some(step) = Step::of(asked) else { return Action::Forward };
        let before = {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(step).or_default();
            *count += 1;
            *count - 1
        };
        plan.action(step, before)
    }
}

/// Does what others do.
async fn interfere(stage: &Stage, interference: Interference, number: u64) -> Result<(), Failure> {
    if let Interferes::Restart(program) = interference.what {
        return node::restart(program);
    }
    let pods = stage.namespace.objects::<Pod>();
    let found = pods.list(&ListParams::default().labels(&format!("{PLAN}={number}"))).await?;
    let Some(pod) = found.items.first() else { return Ok(()) };
    let name = pod.name_any();
    match interference.what {
        Interferes::DeletePod => drop(pods.delete(&name, &DeleteParams::default()).await?),
        Interferes::KillPod => {
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            drop(pods.delete(&name, &now).await?);
        }
        Interferes::EvictPod => drop(pods.evict(&name, &EvictParams::default()).await?),
        Interferes::DeleteOwner => {
            let run = pod.labels().get("cofferdam.dev/run").cloned().unwrap_or_default();
            let jobs = stage.namespace.objects::<Job>();
            drop(jobs.delete(&run, &DeleteParams::background()).await?);
        }
        Interferes::Restart(_) => {}
    }
    Ok(())
}
