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

/// Runs at once in the cluster, whose node has the same processors as these tests.
const IN_CLUSTER: usize = 6;
/// Sandboxes that wait for the usual case, and for all.
const WAITING: (u32, u32) = (6, 12);

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    let executor = Executor::new(64)?;
    let local = Settings { backend: BackendChoice::Local, ..Settings::default() };
    let cold = Library { executor: executor.clone(), sidecar: Sidecar::new(&local)? };
    let mut failed = try_by(&arguments, "local", None, Arc::new(cold))?;
    if !arguments.list {
        failed += try_warm(&arguments, &executor, local)?;
    }
    if !arguments.list {
        let served = Served::default();
        failed += try_by(&arguments, "wasmtime-cli", None, Arc::new(Cli::new(served.clone())?))?;
        // One process, so there is nothing to be gained by more.
        failed += try_by(&arguments, "python", Some(1), Arc::new(Python::new(served)))?;
    }
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(namespace.kubeconfig()),
            namespace: namespace.name.clone(),
            ..Settings::default()
        };
        let sidecar = Sidecar::new(&settings)?;
        let in_cluster = Library { executor, sidecar: sidecar.clone() };
        failed += try_by(&arguments, "kubernetes", Some(IN_CLUSTER), Arc::new(in_cluster))?;
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.assert_nothing_left().await?;
            namespace.delete().await
        })?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all cases on this machine in sandboxes that wait for them.
fn try_warm(arguments: &Arguments, executor: &Executor, settings: Settings) -> Result<u64, Failure> {
    let pool = Pool { maximum: Some(WAITING.1), minimum: WAITING.0, starts_at_once: 2, ..Pool::default() };
    let sidecar = Sidecar::with_pool(&Settings { pool, ..settings })?;
    let warm = Warm(Library { executor: executor.clone(), sidecar: sidecar.clone() });
    let failed = try_by(arguments, "local-warm", None, Arc::new(warm));
    runtime().block_on(sidecar.settle());
    failed
}

/// Runs all cases by one way, so many at once; gives how many failed.
fn try_by(arguments: &Arguments, name: &str, at_once: Option<usize>, way: Arc<dyn Way>) -> Result<u64, Failure> {
    let takes = |case: &Case| way.takes(case);
    let runs = way.clone();
    try_all(arguments, name, at_once, Case::all("conformance")?, takes, move |case| run(case, &*runs))
}
