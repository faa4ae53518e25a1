//! Executes every case of `tests/conformance/` on this machine, in the cluster of `KUBECONFIG` if it is set,
//! and with third-party hosts. In the cluster every second case is executed cold and the others warm; with
//! `SOAK` set, all are executed both ways. A folder without a valid `case.toml` fails the suite.

use cofferdam::config::{BackendChoice, PoolConfig, Settings};
use cofferdam_component::Executor;
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{
        Case, Cli, Driver, Failure, Failures, Library, Python, Selection, SharedSidecar, Warm, run, run_suite,
    },
    logging,
    soak::is_soak,
};
use libtest_mimic::Arguments;
use std::{process::ExitCode, sync::Arc};

/// Concurrent runs in the cluster, whose node shares the processors with these tests. Fewer if each has a
/// prewarmed Pod.
const CLUSTER_CONCURRENCY: usize = 6;
const WARM_CLUSTER_CONCURRENCY: usize = 3;
/// Minimum and maximum of the pool, on this machine and in the cluster.
const POOL: (u32, u32) = (6, 12);
const CLUSTER_POOL: (u32, u32) = (2, 5);

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    logging::show_warnings();
    let executor = Executor::new(64)?;
    let local = Settings { backend: BackendChoice::Local, ..Settings::default() };
    let cold = Library { executor: executor.clone(), sidecar: local.runtime()? };
    let mut failures = run_driver(&arguments, "local", None, Selection::All, Arc::new(cold))?;
    if !arguments.list {
        failures.add(run_warm(&arguments, "local-warm", None, Selection::All, &executor, &local, POOL)?);
    }
    if !arguments.list {
        let shared = SharedSidecar::default();
        failures.add(run_driver(
            &arguments,
            "wasmtime-cli",
            None,
            Selection::All,
            Arc::new(Cli::new(shared.clone())?),
        )?);
        failures.add(run_driver(&arguments, "python", None, Selection::All, Arc::new(Python::new(shared)))?);
    }
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = namespace.settings();
        let sidecar = settings.runtime()?;
        let in_cluster = Library { executor: executor.clone(), sidecar: sidecar.clone() };
        let (cold, warm) = if is_soak() { (Selection::All, Selection::All) } else { (Selection::Even, Selection::Odd) };
        failures.add(run_driver(&arguments, "kubernetes", Some(CLUSTER_CONCURRENCY), cold, Arc::new(in_cluster))?);
        let concurrency = Some(WARM_CLUSTER_CONCURRENCY);
        failures.add(run_warm(&arguments, "kubernetes-warm", concurrency, warm, &executor, &settings, CLUSTER_POOL)?);
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.wait_until_empty().await?;
            namespace.delete().await
        })?;
    }
    Ok(failures.report())
}

/// Executes the selected cases in prewarmed sandboxes.
fn run_warm(
    arguments: &Arguments,
    name: &str,
    concurrency: Option<usize>,
    selection: Selection,
    executor: &Executor,
    settings: &Settings,
    (minimum, maximum): (u32, u32),
) -> Result<Failures, Failure> {
    let pool = PoolConfig { maximum: Some(maximum), minimum, starts_at_once: 2, ..PoolConfig::default() };
    let sidecar = Settings { pool, ..settings.clone() }.pooled_runtime()?;
    let warm = Warm(Library { executor: executor.clone(), sidecar: sidecar.clone() });
    let failures = run_driver(arguments, name, concurrency, selection, Arc::new(warm));
    runtime().block_on(sidecar.settle());
    failures
}

/// Executes the selected cases with one driver, at most `concurrency` concurrently, and returns the failures.
fn run_driver(
    arguments: &Arguments,
    name: &str,
    concurrency: Option<usize>,
    selection: Selection,
    driver: Arc<dyn Driver>,
) -> Result<Failures, Failure> {
    let cases = selection.select(Case::all("conformance")?);
    let executing = driver.clone();
    let supports = |case: &Case| driver.supports(case);
    run_suite(arguments, name, concurrency, cases, supports, move |case| run(case, &*executing))
}
