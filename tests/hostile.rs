//! Executes every hostile program of `tests/hostile/` in real gVisor: on this machine, cold and warm, and in
//! the cluster of `KUBECONFIG` if it is set. After each, a benign program must have its usual outcome, and no
//! resource may be left. No target may have been reached. Programs that do no harm are also executed without
//! a sandbox, to show that they detect its absence. In the cluster the programs are executed cold and without
//! benign ones between them; with `SOAK` set, also warm and with them.

use cofferdam::{
    Runtime,
    config::{PoolConfig, Settings},
};
use cofferdam_component::Executor;
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Driver, Failure, Failures, Library, Warm, run, run_suite, run_unsandboxed},
    hostile::{Cluster, Host, Neighbour, SECRET_VARIABLE, SecretCheck, with_target},
    leaks::{leaked_cgroups, leaked_resources},
    logging,
    program::{TestDir, with_usr_of_machine},
    soak::is_soak,
};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{Api, api::ListParams};
use libtest_mimic::Arguments;
use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

/// Concurrent runs. Many of them only wait for their time limit.
const CONCURRENCY: usize = 4;
/// Concurrent runs in prewarmed Pods, and the size of that pool.
const WARM_CONCURRENCY: usize = 2;
const POOL: u32 = 4;
/// Runs of the benign program that are timed before and after the hostile ones.
const TIMED_RUNS: usize = 10;

fn main() -> Result<ExitCode, Failure> {
    restart_with_secret()?;
    let arguments = Arguments::from_args();
    logging::show_warnings();
    let mut failures = run_all_unsandboxed(&arguments)?;
    if !arguments.list {
        let executor = Executor::new(64)?;
        failures.add(run_on_this_machine(&arguments, &executor)?);
        if cluster::kubeconfig().is_some() {
            failures.add(runtime().block_on(Namespace::create()).and_then(|namespace| {
                let failures = run_in_cluster(&arguments, &executor, &namespace)?;
                runtime().block_on(namespace.delete())?;
                Ok(failures)
            })?);
        }
    }
    Ok(failures.report())
}

/// Replaces this process by itself with a secret in its environment, like the secrets of a real sidecar.
fn restart_with_secret() -> Result<(), Failure> {
    if env::var_os(SECRET_VARIABLE).is_some() {
        return Ok(());
    }
    let secret = uuid::Uuid::new_v4().to_string();
    let mut again = Command::new(env::current_exe()?);
    Err(again.args(env::args_os().skip(1)).env(SECRET_VARIABLE, secret).exec().into())
}

/// Every case, with the description of its target.
fn cases(host: &Host) -> Result<Vec<Case>, Failure> {
    Ok(Case::all("hostile")?.into_iter().map(|case| with_target(case, host)).collect())
}

fn benign_case() -> Result<Case, Failure> {
    Case::named("conformance", "all-parts-of-a-request-work-together")
}

/// Executes programs without a sandbox and checks that they and the host's sockets detect it.
fn run_all_unsandboxed(arguments: &Arguments) -> Result<Failures, Failure> {
    let host = Host::new(Cluster::default())?;
    let failures = run_suite(
        arguments,
        "unsandboxed",
        None,
        cases(&host)?,
        |case| Ok(case.runs_unsandboxed()),
        run_unsandboxed,
    )?;
    let is_whole = !arguments.list && arguments.filter.is_none() && failures.is_empty();
    if is_whole && host.reached().len() < 3 {
        return Err("the host's sockets do not detect the unsandboxed programs".into());
    }
    Ok(failures)
}

fn run_on_this_machine(arguments: &Arguments, executor: &Executor) -> Result<Failures, Failure> {
    let host = Arc::new(Host::new(Cluster::default())?);
    let neighbour = Neighbour::start(None)?;
    let before = benign_median(executor)?;
    let mut failures = Failures::default();
    for (name, is_warm) in [("local", false), ("local-warm", true)] {
        let (executor, secret) = (executor.clone(), host.secret().to_owned());
        let test = move |case: &Case| run_case_on_this_machine(case, &executor, &secret, is_warm);
        failures.add(run_suite(arguments, name, Some(CONCURRENCY), cases(&host)?, |_| Ok(true), test)?);
    }
    let after = benign_median(executor)?;
    println!(
        "the benign program before the hostile ones: {before:.0?}, after them: {after:.0?} (medians of {TIMED_RUNS})"
    );
    neighbour.end()?;
    assert_unreached(&host)?;
    Ok(failures)
}

/// Executes one case with its own state folder, and checks that nothing is left.
fn run_case_on_this_machine(
    case: &Case,
    executor: &Executor,
    secret: &str,
    is_warm: bool,
) -> Result<(), Failure> {
    let dir = TestDir::new();
    let pool = PoolConfig { maximum: Some(if is_warm { 2 } else { 0 }), ..PoolConfig::default() };
    let settings = Settings { state_dir: Some(dir.state()), pool, ..with_usr_of_machine() };
    let sidecar = settings.pooled_runtime()?;
    let library = Library { executor: executor.clone(), sidecar: sidecar.clone() };
    let driver: Box<dyn Driver> = if is_warm { Box::new(Warm(library)) } else { Box::new(library) };
    let driver = SecretCheck::new(driver, secret);
    let result = run_then_benign(case, &driver);
    runtime().block_on(sidecar.drain());
    result?;
    let leaked = [leaked_resources(&dir), leaked_cgroups(&driver.ids())].concat();
    if leaked.is_empty() { Ok(()) } else { Err(format!("resources are left: {leaked:?}").into()) }
}

/// Executes a hostile program and then the benign one.
fn run_then_benign(case: &Case, driver: &SecretCheck) -> Result<(), Failure> {
    run(case, driver)?;
    run(&benign_case()?, driver).map_err(|error| format!("the benign program after it: {error}").into())
}

fn run_in_cluster(
    arguments: &Arguments,
    executor: &Executor,
    namespace: &Namespace,
) -> Result<Failures, Failure> {
    let neighbour = Neighbour::start(Some((&namespace.kubeconfig(), &namespace.name)))?;
    let host = Host::new(runtime().block_on(addresses(namespace))?)?;
    let library = |sidecar: &Runtime| Library { executor: executor.clone(), sidecar: sidecar.clone() };
    let cold = namespace.settings().runtime()?;
    let mut failures =
        run_driver_in_cluster(arguments, "kubernetes", CONCURRENCY, Box::new(library(&cold)), &host)?;
    if is_soak() {
        let pool = PoolConfig { maximum: Some(POOL), minimum: 1, starts_at_once: 2, ..PoolConfig::default() };
        let warm = Settings { pool, ..namespace.settings() }.pooled_runtime()?;
        let driver = Box::new(Warm(library(&warm)));
        failures.add(run_driver_in_cluster(arguments, "kubernetes-warm", WARM_CONCURRENCY, driver, &host)?);
        runtime().block_on(warm.drain());
    }
    neighbour.end()?;
    runtime().block_on(async {
        cold.drain().await;
        namespace.wait_until_empty().await
    })?;
    assert_unreached(&host)?;
    Ok(failures)
}

fn run_driver_in_cluster(
    arguments: &Arguments,
    name: &str,
    concurrency: usize,
    driver: Box<dyn Driver>,
    host: &Host,
) -> Result<Failures, Failure> {
    let driver = SecretCheck::new(driver, host.secret());
    run_suite(
        arguments,
        name,
        Some(concurrency),
        cases(host)?,
        |_| Ok(true),
        move |case| if is_soak() { run_then_benign(case, &driver) } else { run(case, &driver) },
    )
}

/// Addresses of the targets in the cluster. The neighbour's Pod is the only one so far.
async fn addresses(namespace: &Namespace) -> Result<Cluster, Failure> {
    let services: Api<Service> = Api::namespaced(namespace.admin.clone(), "default");
    let api_server = services.get("kubernetes").await?.spec.and_then(|spec| spec.cluster_ip);
    // The kubelet reports the address shortly after it has started the container.
    let pod = || async {
        let pods = namespace.objects::<Pod>().list(&ListParams::default()).await?;
        Ok(pods.items.into_iter().find_map(|pod| pod.status?.pod_ip))
    };
    let pod = cluster::eventually(pod, Option::is_some).await?;
    let (api_server, pod) = api_server.zip(pod).ok_or("a Service or a Pod without an address")?;
    Ok(Cluster { api_server, pod, ..Cluster::default() })
}

fn assert_unreached(host: &Host) -> Result<(), Failure> {
    let reached = host.reached();
    if reached.is_empty() {
        Ok(())
    } else {
        Err(format!("a program has reached these targets: {reached:?}").into())
    }
}

/// Median duration of the benign program on this machine.
fn benign_median(executor: &Executor) -> Result<Duration, Failure> {
    let driver = Library { executor: executor.clone(), sidecar: with_usr_of_machine().runtime()? };
    let case = benign_case()?;
    let timed = |_| {
        let started = Instant::now();
        run(&case, &driver).map(|()| started.elapsed())
    };
    let mut times = (0..TIMED_RUNS).map(timed).collect::<Result<Vec<_>, _>>()?;
    times.sort();
    Ok(times[TIMED_RUNS / 2])
}
