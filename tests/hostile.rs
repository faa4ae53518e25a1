//! Runs every folder of `tests/hostile/` in real gVisor: on this machine, cold and warm, and in the cluster that `KUBECONFIG`
//! names. After each an innocent program must come out as ever, and nothing may be left. At the end nothing that was there to
//! be attacked may have been reached. Those programs that can do no harm also show, without a sandbox, that they would notice.
//! In the cluster they are cold and follow each other, and are warm too, with innocent ones between them, where `SOAK` is set.

use cofferdam::{
    Runtime,
    config::{BackendChoice, PoolConfig, Settings},
};
use cofferdam_component::Executor;
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Failure, Failures, Library, Warm, Way, run, run_unwalled, try_all},
    hostile::{Cluster, Host, Neighbour, SECRET_VARIABLE, Watched, set_upon},
    leftovers::{cgroups_left, left},
    operator,
    program::Place,
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

/// Runs at once: many of them wait for their time to be over.
const AT_ONCE: usize = 4;
/// The same where each has a Pod wait for it, and how many wait.
const WARM_AT_ONCE: usize = 2;
const WAITING: u32 = 4;
/// Innocent runs that are timed, before all others and after them.
const TIMED: usize = 10;

fn main() -> Result<ExitCode, Failure> {
    hold_a_secret()?;
    let arguments = Arguments::from_args();
    operator::show_warnings();
    let mut failures = try_unwalled(&arguments)?;
    if !arguments.list {
        let executor = Executor::new(64)?;
        failures.add(try_here(&arguments, &executor)?);
        if cluster::kubeconfig().is_some() {
            failures.add(runtime().block_on(Namespace::create()).and_then(|namespace| {
                let failures = try_in_cluster(&arguments, &executor, &namespace)?;
                runtime().block_on(namespace.delete())?;
                Ok(failures)
            })?);
        }
    }
    Ok(failures.end())
}

/// Starts this program once more with a secret in its environment, where a sidecar may have some too.
fn hold_a_secret() -> Result<(), Failure> {
    if env::var_os(SECRET_VARIABLE).is_some() {
        return Ok(());
    }
    let secret = uuid::Uuid::new_v4().to_string();
    let mut again = Command::new(env::current_exe()?);
    Err(again.args(env::args_os().skip(1)).env(SECRET_VARIABLE, secret).exec().into())
}

/// Every case, and what it needs to know of its target.
fn cases(host: &Host) -> Result<Vec<Case>, Failure> {
    Ok(Case::all("hostile")?.into_iter().map(|case| set_upon(case, host)).collect())
}

fn innocent() -> Result<Case, Failure> {
    Case::named("conformance", "every-part-of-a-request-holds-at-once")
}

/// Where there is no wall, programs notice.
fn try_unwalled(arguments: &Arguments) -> Result<Failures, Failure> {
    let host = Host::new(Cluster::default())?;
    let failures =
        try_all(arguments, "unwalled", None, cases(&host)?, |case| Ok(case.is_tried_unwalled()), run_unwalled)?;
    let is_whole = !arguments.list && arguments.filter.is_none() && failures.is_empty();
    if is_whole && host.reached().len() < 3 {
        return Err("what is there to be attacked does not notice".into());
    }
    Ok(failures)
}

fn try_here(arguments: &Arguments, executor: &Executor) -> Result<Failures, Failure> {
    let host = Arc::new(Host::new(Cluster::default())?);
    let neighbour = Neighbour::start(None)?;
    let before = time_of_innocent(executor)?;
    let mut failures = Failures::default();
    for (name, is_warm) in [("local", false), ("local-warm", true)] {
        let (executor, secret) = (executor.clone(), host.secret().to_owned());
        let test = move |case: &Case| try_case_here(case, &executor, &secret, is_warm);
        failures.add(try_all(arguments, name, Some(AT_ONCE), cases(&host)?, |_| Ok(true), test)?);
    }
    let after = time_of_innocent(executor)?;
    println!("an innocent program before hostile ones: {before:.0?}, after them: {after:.0?} (medians of {TIMED})");
    neighbour.end()?;
    assert_unreached(&host)?;
    Ok(failures)
}

/// One case, with a state folder of its own.
fn try_case_here(case: &Case, executor: &Executor, secret: &str, is_warm: bool) -> Result<(), Failure> {
    let place = Place::new();
    let pool = PoolConfig { maximum: Some(if is_warm { 2 } else { 0 }), ..PoolConfig::default() };
    let settings =
        Settings { backend: BackendChoice::Local, state_dir: Some(place.state()), pool, ..Settings::default() };
    let sidecar = settings.pooled_runtime()?;
    let library = Library { executor: executor.clone(), sidecar: sidecar.clone() };
    let way: Box<dyn Way> = if is_warm { Box::new(Warm(library)) } else { Box::new(library) };
    let way = Watched::new(way, secret);
    let result = try_case(case, &way);
    runtime().block_on(sidecar.settle());
    result?;
    let left = [left(&place), cgroups_left(&way.ids())].concat();
    if left.is_empty() { Ok(()) } else { Err(format!("left: {left:?}").into()) }
}

/// A hostile program, then an innocent one.
fn try_case(case: &Case, way: &Watched) -> Result<(), Failure> {
    run(case, way)?;
    run(&innocent()?, way).map_err(|error| format!("an innocent program after it: {error}").into())
}

fn try_in_cluster(arguments: &Arguments, executor: &Executor, namespace: &Namespace) -> Result<Failures, Failure> {
    let neighbour = Neighbour::start(Some((&namespace.kubeconfig(), &namespace.name)))?;
    let host = Host::new(runtime().block_on(addresses(namespace))?)?;
    let library = |sidecar: &Runtime| Library { executor: executor.clone(), sidecar: sidecar.clone() };
    let cold = namespace.settings().runtime()?;
    let mut failures = try_way_in_cluster(arguments, "kubernetes", AT_ONCE, Box::new(library(&cold)), &host)?;
    if is_soak() {
        let pool = PoolConfig { maximum: Some(WAITING), minimum: 1, starts_at_once: 2, ..PoolConfig::default() };
        let warm = Settings { pool, ..namespace.settings() }.pooled_runtime()?;
        let way = Box::new(Warm(library(&warm)));
        failures.add(try_way_in_cluster(arguments, "kubernetes-warm", WARM_AT_ONCE, way, &host)?);
        runtime().block_on(warm.settle());
    }
    neighbour.end()?;
    runtime().block_on(async {
        cold.settle().await;
        namespace.assert_nothing_left().await
    })?;
    assert_unreached(&host)?;
    Ok(failures)
}

fn try_way_in_cluster(
    arguments: &Arguments,
    name: &str,
    at_once: usize,
    way: Box<dyn Way>,
    host: &Host,
) -> Result<Failures, Failure> {
    let way = Watched::new(way, host.secret());
    try_all(
        arguments,
        name,
        Some(at_once),
        cases(host)?,
        |_| Ok(true),
        move |case| if is_soak() { try_case(case, &way) } else { run(case, &way) },
    )
}

/// What there is in the cluster to be reached: the only Pod so far is that of the run beside the others.
async fn addresses(namespace: &Namespace) -> Result<Cluster, Failure> {
    let services: Api<Service> = Api::namespaced(namespace.admin.clone(), "default");
    let api_server = services.get("kubernetes").await?.spec.and_then(|spec| spec.cluster_ip);
    // A kubelet tells it a moment after it has started the container.
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
    if reached.is_empty() { Ok(()) } else { Err(format!("a program has reached the machine's {reached:?}").into()) }
}

/// How long an innocent program takes on this machine.
fn time_of_innocent(executor: &Executor) -> Result<Duration, Failure> {
    let settings = Settings { backend: BackendChoice::Local, ..Settings::default() };
    let way = Library { executor: executor.clone(), sidecar: settings.runtime()? };
    let case = innocent()?;
    let timed = |_| {
        let started = Instant::now();
        run(&case, &way).map(|()| started.elapsed())
    };
    let mut times = (0..TIMED).map(timed).collect::<Result<Vec<_>, _>>()?;
    times.sort();
    Ok(times[TIMED / 2])
}
