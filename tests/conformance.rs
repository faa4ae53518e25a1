//! Executes every case of `tests/conformance/` on this machine, in the cluster of `KUBECONFIG` if it is set,
//! and with third-party hosts. In the cluster every second case is executed cold and the others warm; with
//! `SOAK` set, all are executed both ways. `CONFORMANCE_DRIVERS=default-image` executes
//! them with the default image instead. A folder without a valid `case.toml` fails the suite.

use cofferdam::config::{BackendChoice, ImageSettings, PoolConfig, Settings};
use cofferdam_component::Executor;
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{
        Case, Cli, Driver, Failure, Failures, InRoot, Library, Selection, SharedSidecar, SidecarUrl, Warm,
        python, run, run_suite,
    },
    default_image, logging,
    program::with_usr_of_machine,
    soak::is_soak,
};
use libtest_mimic::Arguments;
use std::{env, process::ExitCode, sync::Arc};

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
    if drivers().is_some_and(|drivers| drivers == "default-image") {
        return Ok(run_default_image(&arguments, &executor)?.report());
    }
    let mut failures = run_local(&arguments, &executor)?;
    if !arguments.list && !is_local_only() {
        if is_soak() {
            failures.add(run_hosts(&arguments)?);
        }
        if cluster::kubeconfig().is_some() {
            failures.add(run_cluster(&arguments, &executor)?);
        }
    }
    Ok(failures.report())
}

/// Whether only the driver `local` runs, with all cases: for a developer who works on one of them.
fn is_local_only() -> bool {
    drivers().is_some_and(|drivers| drivers == "local")
}

fn drivers() -> Option<String> {
    env::var("CONFORMANCE_DRIVERS").ok()
}

/// The cases that are executed in new sandboxes, and those in prewarmed ones: together each case once, in a
/// soak twice.
fn selections() -> (Selection, Selection) {
    if is_soak() { (Selection::All, Selection::All) } else { (Selection::Even, Selection::Odd) }
}

/// Executes every case with the default image, new or prewarmed. Programs without a sandbox have its files too.
fn run_default_image(arguments: &Arguments, executor: &Executor) -> Result<Failures, Failure> {
    let images = ImageSettings { dir: Some(default_image::store().to_owned()), ..ImageSettings::default() };
    let settings = Settings { backend: BackendChoice::Local, images, ..Settings::default() };
    let library = |sidecar| Library { executor: executor.clone(), sidecar };
    let (cold, warm) = selections();
    let driver = InRoot(library(settings.runtime()?), default_image::unpacked());
    let mut failures = run_driver(arguments, "default-image", None, cold, Arc::new(driver))?;
    let sidecar = Settings { pool: pool_of(POOL), ..settings }.pooled_runtime()?;
    let driver = InRoot(Warm(library(sidecar.clone())), default_image::unpacked());
    failures.add(run_driver(arguments, "default-image-warm", None, warm, Arc::new(driver))?);
    runtime().block_on(sidecar.drain());
    Ok(failures)
}

fn pool_of((minimum, maximum): (u32, u32)) -> PoolConfig {
    PoolConfig { maximum: Some(maximum), minimum, starts_at_once: 2, ..PoolConfig::default() }
}

fn run_local(arguments: &Arguments, executor: &Executor) -> Result<Failures, Failure> {
    let settings = with_usr_of_machine();
    let library = Library { executor: executor.clone(), sidecar: settings.runtime()? };
    let is_only = is_local_only() || arguments.list;
    let (cold, warm) = if is_only { (Selection::All, Selection::Odd) } else { selections() };
    let mut failures = run_driver(arguments, "local", None, cold, Arc::new(library))?;
    if !is_only {
        failures.add(run_warm(arguments, "local-warm", None, warm, executor, &settings, POOL)?);
    }
    Ok(failures)
}

/// Runs all cases through other hosts of the component.
fn run_hosts(arguments: &Arguments) -> Result<Failures, Failure> {
    let shared = SidecarUrl::from(SharedSidecar::default());
    let cli = Arc::new(Cli::wasmtime(shared.clone())?);
    let mut failures = run_driver(arguments, "wasmtime-cli", None, Selection::All, cli)?;
    let own = Arc::new(Cli::cofferdam_host_without_sidecar()?);
    failures.add(run_driver(arguments, "cofferdam-host", None, Selection::All, own)?);
    failures.add(run_driver(arguments, "python", None, Selection::All, Arc::new(python(shared)))?);
    Ok(failures)
}

fn run_cluster(arguments: &Arguments, executor: &Executor) -> Result<Failures, Failure> {
    let namespace = runtime().block_on(Namespace::create())?;
    let settings = namespace.settings();
    let sidecar = settings.runtime()?;
    let library = Library { executor: executor.clone(), sidecar: sidecar.clone() };
    let (cold, warm) = selections();
    let mut failures =
        run_driver(arguments, "kubernetes", Some(CLUSTER_CONCURRENCY), cold, Arc::new(library))?;
    let concurrency = Some(WARM_CLUSTER_CONCURRENCY);
    failures.add(run_warm(
        arguments,
        "kubernetes-warm",
        concurrency,
        warm,
        executor,
        &settings,
        CLUSTER_POOL,
    )?);
    runtime().block_on(async {
        sidecar.drain().await;
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })?;
    Ok(failures)
}

/// Executes the selected cases in prewarmed sandboxes.
fn run_warm(
    arguments: &Arguments,
    name: &str,
    concurrency: Option<usize>,
    selection: Selection,
    executor: &Executor,
    settings: &Settings,
    pool: (u32, u32),
) -> Result<Failures, Failure> {
    let sidecar = Settings { pool: pool_of(pool), ..settings.clone() }.pooled_runtime()?;
    let warm = Warm(Library { executor: executor.clone(), sidecar: sidecar.clone() });
    let failures = run_driver(arguments, name, concurrency, selection, Arc::new(warm));
    runtime().block_on(sidecar.drain());
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
