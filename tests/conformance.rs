//! Runs every folder of `tests/conformance/` through the component, on every backend that is there, on this machine and in the
//! cluster that `KUBECONFIG` names, and by hosts that others wrote. A folder that is no case fails the suite.

use cofferdam::{
    Sidecar,
    component::Executor,
    config::{BackendChoice, Pool, Settings},
};
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Cli, Failure, Library, Python, Served, Warm, Way, run, try_all},
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
    let executor = Executor::new(64)?;
    let local = Settings { backend: BackendChoice::Local, ..Settings::default() };
    let cold = Library { executor: executor.clone(), sidecar: Sidecar::new(&local)? };
    let mut failed = try_by(&arguments, "local", None, Arc::new(cold))?;
    if !arguments.list {
        failed += try_warm(&arguments, "local-warm", None, &executor, &local, WAITING)?;
    }
    if !arguments.list {
        let served = Served::default();
        failed += try_by(&arguments, "wasmtime-cli", None, Arc::new(Cli::new(served.clone())?))?;
        // One process, so there is nothing to be gained by more.
        failed += try_by(&arguments, "python", Some(1), Arc::new(Python::new(served)))?;
    }
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = namespace.settings();
        let sidecar = Sidecar::new(&settings)?;
        let in_cluster = Library { executor: executor.clone(), sidecar: sidecar.clone() };
        failed += try_by(&arguments, "kubernetes", Some(IN_CLUSTER), Arc::new(in_cluster))?;
        let at_once = Some(WARM_IN_CLUSTER);
        failed += try_warm(&arguments, "kubernetes-warm", at_once, &executor, &settings, WAITING_IN_CLUSTER)?;
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.assert_nothing_left().await?;
            namespace.delete().await
        })?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all cases in sandboxes that wait for them.
fn try_warm(
    arguments: &Arguments,
    name: &str,
    at_once: Option<usize>,
    executor: &Executor,
    settings: &Settings,
    (minimum, maximum): (u32, u32),
) -> Result<u64, Failure> {
    let pool = Pool { maximum: Some(maximum), minimum, starts_at_once: 2, ..Pool::default() };
    let sidecar = Sidecar::with_pool(&Settings { pool, ..settings.clone() })?;
    let warm = Warm(Library { executor: executor.clone(), sidecar: sidecar.clone() });
    let failed = try_by(arguments, name, at_once, Arc::new(warm));
    runtime().block_on(sidecar.settle());
    failed
}

/// Runs all cases by one way, so many at once; gives how many failed.
fn try_by(arguments: &Arguments, name: &str, at_once: Option<usize>, way: Arc<dyn Way>) -> Result<u64, Failure> {
    let takes = |case: &Case| way.takes(case);
    let runs = way.clone();
    try_all(arguments, name, at_once, Case::all("conformance")?, takes, move |case| run(case, &*runs))
}
