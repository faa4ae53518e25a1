//! Runs every folder of `tests/conformance/` through the component, on every backend that is there, on this machine and in the
//! cluster that `KUBECONFIG` names, and by hosts that others wrote. In the cluster every other case is run cold and the rest warm,
//! and all of them both ways where `SOAK` is set. A folder that is no case fails the suite.

use cofferdam::{
    Runtime,
    config::{BackendChoice, PoolConfig, Settings},
};
use cofferdam_component::Executor;
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Cli, Failure, Failures, Library, Python, Served, Turn, Warm, Way, run, try_all},
    operator,
    soak::is_soak,
};
use libtest_mimic::Arguments;
use std::{process::ExitCode, sync::Arc};

/// Runs at once in the cluster, whose node has the same processors as these tests, and those of them that have a Pod wait.
const IN_CLUSTER: usize = 6;
const WARM_IN_CLUSTER: usize = 3;
/// Sandboxes that wait for the usual case, and for all, on this machine and in the cluster.
const WAITING: (u32, u32) = (6, 12);
const WAITING_IN_CLUSTER: (u32, u32) = (2, 5);

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    operator::show_warnings();
    let executor = Executor::new(64)?;
    let local = Settings { backend: BackendChoice::Local, ..Settings::default() };
    let cold = Library { executor: executor.clone(), sidecar: local.runtime()? };
    let mut failures = try_by(&arguments, "local", None, Turn::Each, Arc::new(cold))?;
    if !arguments.list {
        failures.add(try_warm(&arguments, "local-warm", None, Turn::Each, &executor, &local, WAITING)?);
    }
    if !arguments.list {
        let served = Served::default();
        failures.add(try_by(&arguments, "wasmtime-cli", None, Turn::Each, Arc::new(Cli::new(served.clone())?))?);
        failures.add(try_by(&arguments, "python", None, Turn::Each, Arc::new(Python::new(served)))?);
    }
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = namespace.settings();
        let sidecar = settings.runtime()?;
        let in_cluster = Library { executor: executor.clone(), sidecar: sidecar.clone() };
        let (cold, warm) = if is_soak() { (Turn::Each, Turn::Each) } else { (Turn::First, Turn::Second) };
        failures.add(try_by(&arguments, "kubernetes", Some(IN_CLUSTER), cold, Arc::new(in_cluster))?);
        let at_once = Some(WARM_IN_CLUSTER);
        failures.add(try_warm(&arguments, "kubernetes-warm", at_once, warm, &executor, &settings, WAITING_IN_CLUSTER)?);
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.assert_nothing_left().await?;
            namespace.delete().await
        })?;
    }
    Ok(failures.end())
}

/// Runs all cases in sandboxes that wait for them.
fn try_warm(
    arguments: &Arguments,
    name: &str,
    at_once: Option<usize>,
    turn: Turn,
    executor: &Executor,
    settings: &Settings,
    (minimum, maximum): (u32, u32),
) -> Result<Failures, Failure> {
    let pool = PoolConfig { maximum: Some(maximum), minimum, starts_at_once: 2, ..PoolConfig::default() };
    let sidecar = Settings { pool, ..settings.clone() }.pooled_runtime()?;
    let warm = Warm(Library { executor: executor.clone(), sidecar: sidecar.clone() });
    let failures = try_by(arguments, name, at_once, turn, Arc::new(warm));
    runtime().block_on(sidecar.settle());
    failures
}

/// Runs the cases whose turn it is by one way, so many at once; gives those that failed.
fn try_by(
    arguments: &Arguments,
    name: &str,
    at_once: Option<usize>,
    turn: Turn,
    way: Arc<dyn Way>,
) -> Result<Failures, Failure> {
    let takes = |case: &Case| way.takes(case);
    let runs = way.clone();
    try_all(arguments, name, at_once, turn.of(Case::all("conformance")?), takes, move |case| run(case, &*runs))
}
