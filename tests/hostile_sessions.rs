//! Executes every hostile case of `tests/hostile/sessions/` in real gVisor: on this machine, in new sandboxes and in
//! prewarmed ones, and in the cluster of `KUBECONFIG` if it is set; there in prewarmed ones only with `SOAK` set. After
//! each, its session must be usable, or have ended for a reason that the case allows, and nothing may be left.

use cofferdam::{
    config::{PoolConfig, Settings},
    core::session::SessionConfig,
};
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Failure, Failures, run_suite},
    leaks::leaked_resources,
    logging,
    program::{TestDir, with_usr_of_machine},
    sessions::{SessionCase, SessionDriver, run_hostile},
    soak::is_soak,
};
use libtest_mimic::Arguments;
use std::process::ExitCode;

/// Concurrent cases.
const CONCURRENCY: usize = 2;

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    logging::show_warnings();
    let mut failures = Failures::default();
    for (name, is_warm) in [("local", false), ("local-warm", true)] {
        let test = move |case: &SessionCase| run_on_this_machine(case, is_warm);
        failures.add(run_cases(&arguments, name, test)?);
    }
    if !arguments.list && cluster::kubeconfig().is_some() {
        failures.add(run_in_cluster(&arguments)?);
    }
    Ok(failures.report())
}

fn run_cases(
    arguments: &Arguments,
    name: &str,
    test: impl Fn(&SessionCase) -> Result<(), Failure> + Send + Sync + 'static,
) -> Result<Failures, Failure> {
    run_suite(arguments, name, Some(CONCURRENCY), SessionCase::all("hostile")?, |_| Ok(true), test)
}

/// Executes one case with its own state folder, and checks that nothing is left.
fn run_on_this_machine(case: &SessionCase, is_warm: bool) -> Result<(), Failure> {
    let dir = TestDir::new();
    let settings = Settings { state_dir: Some(dir.state()), ..with_usr_of_machine() };
    let driver = driver(&settings, is_warm)?;
    let result = run_hostile(case, &driver);
    runtime().block_on(driver.drain());
    result?;
    let leaked = leaked_resources(&dir);
    if leaked.is_empty() { Ok(()) } else { Err(format!("resources are left: {leaked:?}").into()) }
}

fn run_in_cluster(arguments: &Arguments) -> Result<Failures, Failure> {
    let namespace = runtime().block_on(Namespace::create())?;
    if !SessionDriver::is_possible(&namespace.settings())? {
        runtime().block_on(namespace.delete())?;
        return Ok(Failures::default());
    }
    let mut failures = Failures::default();
    for (name, is_warm) in [("cluster", false), ("cluster-warm", true)] {
        if is_warm && !is_soak() {
            continue;
        }
        let driver = driver(&namespace.settings(), is_warm)?;
        let executing = driver.clone();
        failures.add(run_cases(arguments, name, move |case| run_hostile(case, &executing))?);
        runtime().block_on(driver.drain());
    }
    runtime().block_on(async {
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })?;
    Ok(failures)
}

fn driver(settings: &Settings, is_warm: bool) -> Result<SessionDriver, Failure> {
    let pool = PoolConfig { maximum: Some(if is_warm { 2 } else { 0 }), ..PoolConfig::default() };
    let sidecar = Settings { pool, ..settings.clone() }.pooled_runtime()?;
    Ok(SessionDriver::new(sidecar.with_sessions(SessionConfig::default()), is_warm))
}
