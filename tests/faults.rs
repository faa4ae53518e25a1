//! Runs and sessions under injected faults of networks, API servers, nodes and sidecars, generated from a seed.
//! `SEED` sets the seed, `RUNS` the number of plans, `AT_ONCE` their concurrency, and `ONLY` selects one plan
//! by its number.

#[path = "faults/case.rs"]
mod case;
#[path = "faults/env.rs"]
mod env;
#[path = "faults/node.rs"]
mod node;
#[path = "faults/plan.rs"]
mod plan;
#[path = "faults/program.rs"]
mod program;
#[path = "faults/rotation.rs"]
mod rotation;
#[path = "faults/sessions/mod.rs"]
mod sessions;
#[path = "faults/shutdown.rs"]
mod shutdown;
#[path = "faults/step.rs"]
mod step;
#[path = "faults/summary.rs"]
mod summary;
#[path = "faults/verify.rs"]
mod verify;

use case::CaseResult;
use cofferdam_tests::{
    cluster::{self, FakeNode, Namespace, runtime},
    conformance::Failure,
    program::TestDir,
};
use env::Env;
use libtest_mimic::{Arguments, Failed, Trial};
use plan::Plan;
use std::{
    env::{args_os, current_exe, var, var_os},
    process::{Command, ExitCode},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use summary::Summary;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Default number of plans, and their concurrency. Most of their time is waiting.
const PLANS: u64 = 64;
const CONCURRENCY: u64 = 64;
/// Cases that end the process of a sidecar.
const SHUTDOWNS: u64 = 8;
const SHUTDOWN_CONCURRENCY: u64 = 8;
/// Plans on the real node, where every run uses gVisor.
const NODE_PLANS: u64 = 6;
const NODE_CONCURRENCY: u64 = 4;
/// Plans of sessions on this machine, and in gVisor on the real node.
const SESSION_PLANS: u64 = 6;
const CLUSTER_SESSION_PLANS: u64 = 5;
const SESSION_CONCURRENCY: u64 = 2;
/// Quota of concurrent runs in the namespace.
const QUOTA: u32 = 1000;
/// Bytes after which the fake node rotates a log, small enough that some plans reach it.
const ROTATION: usize = 400_000;
/// The outcome of a run whose output was lost.
const OUTPUT_LOST: &str = "error: Unreachable, output lost";
/// Set if this process has its own cache folder; the value is the user's.
const HAS_CACHE: &str = "CACHE_BESIDE_FAULTS";
const CACHE: &str = "XDG_CACHE_HOME";
/// Held by the test that may restart the real node's programs.
static REAL_NODE: Mutex<()> = Mutex::new(());

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    let has_cluster = cluster::kubeconfig().is_some();
    if has_cluster && var_os(HAS_CACHE).is_none() {
        return restart_with_cache();
    }
    let seed = number("SEED")?.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0 >> 32);
    let mut tests = vec![Trial::test("sessions_lose_and_double_nothing_despite_faults", move || {
        local_sessions(seed).map_err(Failed::from)
    })];
    if has_cluster {
        tests.extend(cluster_tests(seed));
    } else {
        println!("the fault tests of a cluster are skipped: KUBECONFIG is not set");
    }
    println!("SEED={seed}");
    Ok(libtest_mimic::run(&arguments, tests).exit_code())
}

fn cluster_tests(seed: u64) -> Vec<Trial> {
    vec![
        Trial::test("results_are_correct_despite_api_faults", move || api_faults(seed).map_err(Failed::from)),
        Trial::test("results_in_gvisor_are_correct_despite_node_faults", move || {
            node_faults(seed).map_err(Failed::from)
        }),
        Trial::test("sessions_in_pods_lose_and_double_nothing_despite_faults", move || {
            cluster_sessions(seed).map_err(Failed::from)
        }),
        Trial::test("nothing_is_left_or_executed_twice_when_a_sidecar_ends", move || {
            shutdowns(seed).map_err(Failed::from)
        }),
        rotation_test(
            "a_stalled_output_is_read_before_the_node_rotates_it_away",
            rotation::stalled(),
            "Exited",
        ),
        rotation_test("an_output_that_the_node_rotated_away_is_unreachable", rotation::lost(), OUTPUT_LOST),
    ]
}

/// Starts this program again with a temporary cache folder, because the sidecar caches facts about each
/// proxy's cluster.
fn restart_with_cache() -> Result<ExitCode, Failure> {
    let dir = TestDir::new();
    let mut again = Command::new(current_exe()?);
    again.args(args_os().skip(1)).env(HAS_CACHE, var_os(CACHE).unwrap_or_default()).env(CACHE, dir.path());
    Ok(if again.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn number(name: &str) -> Result<Option<u64>, Failure> {
    var(name).ok().map(|text| text.parse().map_err(|error| format!("{name}: {error}").into())).transpose()
}

fn api_faults(seed: u64) -> Result<(), Failure> {
    let Some(fake_node) = FakeNode::start(ROTATION)? else { return Ok(()) };
    in_env(Some(fake_node), async |env| {
        run_all(PLANS, number("AT_ONCE")?.unwrap_or(CONCURRENCY), move |number| {
            let (env, plan) = (env.clone(), Plan::new(seed, number));
            (format!("{plan:?}"), async move { case::run(&env, plan, seed, number).await })
        })
        .await
    })
}

fn shutdowns(seed: u64) -> Result<(), Failure> {
    let Some(fake_node) = FakeNode::start(ROTATION)? else { return Ok(()) };
    in_env(Some(fake_node), async |env| {
        run_all(SHUTDOWNS, SHUTDOWN_CONCURRENCY, move |number| {
            let env = env.clone();
            (String::new(), async move { shutdown::run(&env, seed, number).await })
        })
        .await
    })
}

fn node_faults(seed: u64) -> Result<(), Failure> {
    if !node::is_test_node() {
        return Ok(());
    }
    let _node = REAL_NODE.lock().unwrap_or_else(PoisonError::into_inner);
    in_env(None, async |env| {
        run_all(NODE_PLANS, NODE_CONCURRENCY, move |number| {
            let (env, plan) = (env.clone(), Plan::for_real_node(seed, number));
            (format!("{plan:?}"), async move { case::run(&env, plan, seed, number).await })
        })
        .await
    })
}

fn local_sessions(seed: u64) -> Result<(), Failure> {
    let summary = runtime().block_on(run_all(SESSION_PLANS, SESSION_CONCURRENCY, move |number| {
        let plan = sessions::Plan::local(seed, number);
        (format!("{plan:?}"), sessions::run(sessions::Place::Local, plan))
    }))?;
    println!("{summary}");
    summary.into_result()
}

fn cluster_sessions(seed: u64) -> Result<(), Failure> {
    if !node::is_test_node() {
        return Ok(());
    }
    let _node = REAL_NODE.lock().unwrap_or_else(PoisonError::into_inner);
    in_env(None, async |env| {
        run_all(CLUSTER_SESSION_PLANS, SESSION_CONCURRENCY, move |number| {
            let plan = sessions::Plan::in_cluster(seed, number);
            (format!("{plan:?}"), sessions::run(sessions::Place::Cluster(env.clone()), plan))
        })
        .await
    })
}

/// Executes one plan, whose only run must have this outcome.
fn rotation_test(name: &'static str, plan: Plan, outcome: &'static str) -> Trial {
    Trial::test(name, move || {
        let Some(fake_node) = FakeNode::start(ROTATION)? else { return Ok(()) };
        let result = in_env(Some(fake_node), async move |env| {
            let result = case::run(&env, plan, 0, 0).await?;
            let names: Vec<_> = result.outcomes.iter().map(|outcome| &*outcome.name).collect();
            if names != [outcome] {
                return Err(format!("{names:?} instead of {outcome:?}: {:?}", result.violations).into());
            }
            let mut summary = Summary::default();
            summary.add(0, name, result);
            Ok(summary)
        });
        result.map_err(Failed::from)
    })
}

/// Creates a namespace for `test` and deletes it. Nothing may be left, except on the real node, whose
/// programs may be restarted.
fn in_env(
    fake_node: Option<FakeNode>,
    test: impl AsyncFnOnce(Arc<Env>) -> Result<Summary, Failure>,
) -> Result<(), Failure> {
    runtime().block_on(async {
        let env = Arc::new(Env { namespace: Namespace::with_quota(QUOTA).await?, fake_node });
        let summary = test(env.clone()).await?;
        println!("{summary}");
        if env.fake_node.is_some() {
            env.namespace.wait_until_empty().await?;
        }
        env.namespace.delete().await?;
        summary.into_result()
    })
}

/// Runs the cases of all numbers, `concurrency` at once.
async fn run_all<F>(
    default_count: u64,
    concurrency: u64,
    run: impl Fn(u64) -> (String, F) + Clone + Send + 'static,
) -> Result<Summary, Failure>
where
    F: Future<Output = Result<CaseResult, Failure>> + Send,
{
    let numbers = match number("ONLY")? {
        Some(only) => only..only + 1,
        None => 0..number("RUNS")?.map_or(default_count, |runs| (default_count * runs).div_ceil(PLANS)),
    };
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (run, next, end) = (run.clone(), next.clone(), numbers.end);
        workers.spawn(async move {
            let mut summary = Summary::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return Ok::<_, Failure>(summary);
                }
                let (plan, result) = run(number);
                let start = Instant::now();
                let result = result.await.map_err(|error| format!("ONLY={number} {error}\n  {plan}"))?;
                summary.add(number, &plan, CaseResult { duration: start.elapsed(), ..result });
            }
        });
    }
    let mut all = Summary::default();
    while let Some(summary) = workers.join_next().await {
        all.merge(summary??);
    }
    Ok(all)
}
