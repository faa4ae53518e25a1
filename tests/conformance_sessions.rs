//! Executes every case of `tests/conformance/sessions/` on this machine, and in the cluster of `KUBECONFIG` if it is
//! set, in new sandboxes and in prewarmed ones. In the cluster every second case is executed in new ones and the
//! others in prewarmed ones; with `SOAK` set, all are executed both ways. `CONFORMANCE_DRIVERS` chooses one driver:
//! `sessions`, `sessions-warm`, `sessions-cluster` or `sessions-cluster-warm`. Nothing may be left of the sessions.

use cofferdam::{
    config::{PoolConfig, Settings},
    core::session::SessionConfig,
};
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Failure, Failures, Selection, run_suite},
    leaks::leaked_resources,
    logging,
    program::{TestDir, with_usr_of_machine},
    sessions::{SessionCase, SessionDriver, run},
    soak::is_soak,
};
use libtest_mimic::Arguments;
use std::{env, process::ExitCode};

/// Concurrent cases. Many of them only wait.
const CONCURRENCY: usize = 4;
/// The most prewarmed sandboxes.
const POOL: u32 = 8;
/// Whether the sandboxes are prewarmed, and what that adds to the name of a driver.
const KINDS: [(bool, &str); 2] = [(false, ""), (true, "-warm")];

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    logging::show_warnings();
    let dir = TestDir::new();
    let settings = Settings { state_dir: Some(dir.state()), ..with_usr_of_machine() };
    let mut failures = run_all(&arguments, "sessions", &settings, (Selection::All, Selection::All))?;
    if !arguments.list && cluster::kubeconfig().is_some() {
        failures.add(run_cluster(&arguments)?);
    }
    let leaked = leaked_resources(&dir);
    if !leaked.is_empty() {
        return Err(format!("resources are left: {leaked:?}").into());
    }
    Ok(failures.report())
}

fn run_cluster(arguments: &Arguments) -> Result<Failures, Failure> {
    let namespace = runtime().block_on(Namespace::create())?;
    if !SessionDriver::is_possible(&namespace.settings())? {
        runtime().block_on(namespace.delete())?;
        return Ok(Failures::default());
    }
    let selections =
        if is_soak() { (Selection::All, Selection::All) } else { (Selection::Even, Selection::Odd) };
    let failures = run_all(arguments, "sessions-cluster", &namespace.settings(), selections)?;
    runtime().block_on(async {
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })?;
    Ok(failures)
}

/// Executes the selected cases in new sandboxes, and in prewarmed ones.
fn run_all(
    arguments: &Arguments,
    place: &str,
    settings: &Settings,
    (cold, warm): (Selection, Selection),
) -> Result<Failures, Failure> {
    let chosen = env::var("CONFORMANCE_DRIVERS").ok();
    let mut failures = Failures::default();
    for (is_warm, suffix) in KINDS {
        let name = format!("{place}{suffix}");
        if chosen.as_ref().is_some_and(|chosen| *chosen != name) {
            continue;
        }
        let selection = if is_warm { warm } else { cold };
        let cases = selection.select(SessionCase::all("conformance")?);
        let pool = PoolConfig { maximum: Some(if is_warm { POOL } else { 0 }), ..PoolConfig::default() };
        let settings = Settings { pool, ..settings.clone() };
        let sidecar = settings.pooled_runtime()?.with_sessions(SessionConfig::default());
        let driver = SessionDriver::new(sidecar, is_warm);
        let executing = driver.clone();
        let test = move |case: &SessionCase| run(case, &executing);
        failures.add(run_suite(arguments, &name, Some(CONCURRENCY), cases, |_| Ok(true), test)?);
        runtime().block_on(driver.drain());
    }
    Ok(failures)
}
