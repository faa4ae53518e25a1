//! What networks, API servers and other people do to runs at their worst, by a seed. `SEED` and `RUNS` choose, `AT_ONCE` is how
//! many are under way, `ONLY` the number of one plan.

#[path = "faults/ends.rs"]
mod ends;
#[path = "faults/judge.rs"]
mod judge;
#[path = "faults/node.rs"]
mod node;
#[path = "faults/plan.rs"]
mod plan;
#[path = "faults/program.rs"]
mod program;
#[path = "faults/rotation.rs"]
mod rotation;
#[path = "faults/stage.rs"]
mod stage;
#[path = "faults/step.rs"]
mod step;
#[path = "faults/tally.rs"]
mod tally;
#[path = "faults/trial.rs"]
mod trial;

use cofferdam_tests::{
    cluster::{self, Hollow, Namespace, runtime},
    conformance::Failure,
    program::Place,
};
use libtest_mimic::{Arguments, Failed, Trial};
use plan::Plan;
use stage::Stage;
use std::{
    env,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tally::Tally;
use tokio::task::JoinSet;
use trial::Verdict;
use uuid::Uuid;

/// Plans where no more are asked for, and how many of them at once; most of their time is waiting.
const PLANS: u64 = 64;
const AT_ONCE: u64 = 64;
/// Ends of sidecars, each a process.
const ENDS: u64 = 8;
const ENDS_AT_ONCE: u64 = 8;
/// Plans on the real node, where each run is one of gVisor.
const ON_NODE: u64 = 6;
const ON_NODE_AT_ONCE: u64 = 4;
/// Runs at once that there is room for.
const ROOM: u32 = 1000;
/// Bytes after which the node puts a log aside: so few that some plans come to it.
const ROTATION: usize = 400_000;
/// The name of a run whose output was lost.
const LOST: &str = "error: Unreachable, output lost";
/// Says that this process has a cache folder of its own.
const HAS_CACHE: &str = "CACHE_BESIDE_FAULTS";
const CACHE: &str = "XDG_CACHE_HOME";

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    if cluster::kubeconfig().is_none() {
        println!("no faults are made: KUBECONFIG names no cluster");
        return Ok(ExitCode::SUCCESS);
    }
    if env::var_os(HAS_CACHE).is_none() {
        return with_cache();
    }
    let seed = number("SEED")?.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0 >> 32);
    let tests = vec![
        Trial::test("whatever_befalls_its_requests_a_run_is_true", move || faults(seed).map_err(Failed::from)),
        Trial::test("whatever_befalls_a_run_in_gvisor_it_is_true", move || on_node(seed).map_err(Failed::from)),
        Trial::test("however_a_sidecar_ends_its_runs_are_true", move || ends(seed).map_err(Failed::from)),
        rotation_test("an_output_that_stalls_is_read_before_the_node_discards_it", rotation::stalled(), "Exited"),
        rotation_test("an_output_that_the_node_discarded_is_unreachable", rotation::lost(), LOST),
    ];
    println!("SEED={seed}");
    Ok(libtest_mimic::run(&arguments, tests).exit_code())
}

/// Starts this program again with a cache folder that goes with it: each proxy is another cluster that is remembered.
fn with_cache() -> Result<ExitCode, Failure> {
    let place = Place::new();
    let mut again = Command::new(env::current_exe()?);
    again.args(env::args_os().skip(1)).env(HAS_CACHE, env::var_os(CACHE).unwrap_or_default()).env(CACHE, place.path());
    Ok(if again.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn number(name: &str) -> Result<Option<u64>, Failure> {
    env::var(name).ok().map(|text| text.parse().map_err(|error| format!("{name}: {error}").into())).transpose()
}

fn faults(seed: u64) -> Result<(), Failure> {
    let Some(hollow) = Hollow::start(ROTATION)? else { return Ok(()) };
    on_stage(Some(hollow), async |stage| {
        carry_out_all(PLANS, number("AT_ONCE")?.unwrap_or(AT_ONCE), move |number| {
            let (stage, plan) = (stage.clone(), Plan::new(seed, number));
            (format!("{plan:?}"), async move { trial::carry_out(&stage, plan, seed, number).await })
        })
        .await
    })
}

fn ends(seed: u64) -> Result<(), Failure> {
    let Some(hollow) = Hollow::start(ROTATION)? else { return Ok(()) };
    on_stage(Some(hollow), async |stage| {
        carry_out_all(ENDS, ENDS_AT_ONCE, move |number| {
            let stage = stage.clone();
            (String::new(), async move { ends::end(&stage, seed, number).await })
        })
        .await
    })
}

fn on_node(seed: u64) -> Result<(), Failure> {
    if !node::is_ours() {
        return Ok(());
    }
    on_stage(None, async |stage| {
        carry_out_all(ON_NODE, ON_NODE_AT_ONCE, move |number| {
            let (stage, plan) = (stage.clone(), Plan::on_node(seed, number));
            (format!("{plan:?}"), async move { trial::carry_out(&stage, plan, seed, number).await })
        })
        .await
    })
}

/// Carries out one plan, whose run must end so.
fn rotation_test(name: &'static str, plan: Plan, outcome: &'static str) -> Trial {
    Trial::test(name, move || {
        let Some(hollow) = Hollow::start(ROTATION)? else { return Ok(()) };
        let carried_out = on_stage(Some(hollow), async move |stage| {
            let verdict = trial::carry_out(&stage, plan, 0, 0).await?;
            let names: Vec<_> = verdict.outcomes.iter().map(|outcome| &*outcome.name).collect();
            if names != [outcome] {
                return Err(format!("{names:?} instead of {outcome:?}: {:?}", verdict.violations).into());
            }
            let mut tally = Tally::default();
            tally.add(0, name, verdict);
            Ok(tally)
        });
        carried_out.map_err(Failed::from)
    })
}

/// Sets the stage, and sees to it that nothing is left on it, but by a node that was hurt.
fn on_stage(
    hollow: Option<Hollow>,
    carry_out: impl AsyncFnOnce(Arc<Stage>) -> Result<Tally, Failure>,
) -> Result<(), Failure> {
    runtime().block_on(async {
        let stage = Arc::new(Stage { namespace: Namespace::with_room_for(ROOM).await?, hollow });
        let tally = carry_out(stage.clone()).await?;
        println!("{tally}");
        if stage.hollow.is_some() {
            stage.namespace.assert_nothing_left().await?;
        }
        stage.namespace.delete().await?;
        tally.verdict()
    })
}

/// Has so many numbers carried out, some at once.
async fn carry_out_all<F>(
    usual: u64,
    at_once: u64,
    carry_out: impl Fn(u64) -> (String, F) + Clone + Send + 'static,
) -> Result<Tally, Failure>
where
    F: Future<Output = Result<Verdict, Failure>> + Send,
{
    let numbers = match number("ONLY")? {
        Some(only) => only..only + 1,
        None => 0..number("RUNS")?.map_or(usual, |runs| (usual * runs).div_ceil(PLANS)),
    };
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (carry_out, next, end) = (carry_out.clone(), next.clone(), numbers.end);
        workers.spawn(async move {
            let mut tally = Tally::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return Ok::<_, Failure>(tally);
                }
                let (plan, verdict) = carry_out(number);
                let begun = Instant::now();
                let verdict = verdict.await.map_err(|error| format!("ONLY={number} {error}\n  {plan}"))?;
                tally.add(number, &plan, Verdict { took: begun.elapsed(), ..verdict });
            }
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = workers.join_next().await {
        all.join(tally??);
    }
    Ok(all)
}
