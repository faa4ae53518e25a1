//! A process `cofferdam serve` that is ended in the middle of runs, and whose clock may be set, at random.

use super::{
    case::{CaseResult, Outcome},
    env::Env,
    plan::rng,
    program::Program,
    step::Step,
    verify::repeated_execution,
};
use cofferdam::config::Workload;
use cofferdam_tests::{
    clock::Clock,
    cluster::{Action, Proxy, eventually},
    conformance::Failure,
    program::{TestDir, stderr},
    sidecar::Sidecar,
};
use rand::{Rng, seq::IndexedRandom};
use rustix::process::Signal;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

/// Maximum duration of a shutdown: the grace period and the deletions.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(75);
/// Offsets of a clock, in seconds.
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// Steps that every run reaches.
const STEPS: [Step; 5] =
    [Step::CreateOwner, Step::CreateConfigMap, Step::WatchEvents, Step::Attach, Step::Delete];

/// Ends a sidecar in the middle of some runs.
pub(crate) async fn run(env: &Env, seed: u64, number: u64) -> Result<CaseResult, Failure> {
    let random = &mut rng(seed, number);
    let workload = if random.random() { Workload::Job } else { Workload::Pod };
    let signal = *[Signal::KILL, Signal::KILL, Signal::TERM].choose(random).unwrap_or(&Signal::KILL);
    let (step, delay) = (*STEPS.choose(random).unwrap_or(&Step::Attach), random.random_range(0..1000));
    let (clients, pool) = (random.random_range(1..5), random.random_range(0..3_u32));
    let dir = Arc::new(TestDir::new());
    let proxy = Proxy::start(&env.kubeconfig(workload), dir.path(), |_, _| Action::Forward).await?;
    dir.write("serve.toml", env.settings_file(proxy.kubeconfig(), workload)?);
    let clock = if random.random() { Clock::new(&dir)? } else { None };
    let ahead = *[-DAY, -HOUR, HOUR, DAY].choose(random).unwrap_or(&DAY);
    let clock_settings: Vec<_> = clock.iter().flat_map(Clock::settings).collect();
    // The proxy needs this thread while the sidecar starts.
    let start_sidecar = || {
        let (dir, pool, clock) = (dir.clone(), pool.to_string(), clock_settings.clone());
        spawn_blocking(move || {
            let mut settings =
                vec![("COFFERDAM_POOL__MAXIMUM", &*pool), ("COFFERDAM_SERVE__GRACE_SECONDS", "2")];
            settings.extend(clock.iter().map(|(name, text)| (*name, text.as_str())));
            Sidecar::start(&dir, &["--config", "serve.toml"], &settings)
        })
    };
    let sidecar = start_sidecar().await?;
    let mut marks = Vec::new();
    for client in 0..clients {
        let mark = format!("{seed}-end-{number}-{client}");
        let request = json!({ "code": Program::of_seconds(random.random_range(0.0..2.0)).code(&mark) });
        // The result may never come, so the execution is asynchronous.
        let accepted = sidecar.client().run(&request, &[("prefer", "respond-async")]).await;
        if accepted.status != 202 {
            return Err(accepted.text.into());
        }
        marks.push(mark);
    }
    if let Some(clock) = &clock {
        proxy.wait_for_matching(|request| Step::of(request) == Some(Step::CreateOwner)).await;
        clock.set(ahead)?;
    }
    proxy.wait_for_matching(|request| Step::of(request) == Some(step)).await;
    sleep(Duration::from_millis(delay)).await;
    let start = Instant::now();
    sidecar.signal(signal);
    let mut case = CaseResult::default();
    let Ok(ended) = timeout(SHUTDOWN_TIMEOUT, spawn_blocking(|| sidecar.end())).await else {
        case.violations.push(format!("the sidecar did not end in {SHUTDOWN_TIMEOUT:?} after {signal:?}"));
        return Ok(case);
    };
    let (status, log) = ended?;
    case.outcomes.push(Outcome { name: format!("ended by {signal:?}"), duration: start.elapsed() });
    let created = proxy.created();
    if signal == Signal::TERM {
        if !status.success() {
            case.violations.push(format!("{status} after {signal:?}: {log}"));
        }
        let undeleted = env.undeleted(&created).await?;
        if !undeleted.is_empty() {
            case.violations.push(format!("not deleted by the sidecar: {undeleted:?}: {log}"));
        }
    } else if random.random() {
        let next = start_sidecar().await?;
        if let Err(error) = eventually(|| env.remaining(&created), Vec::is_empty).await {
            case.violations.push(format!("not deleted by the next sidecar: {error}"));
        }
        next.signal(Signal::TERM);
        spawn_blocking(|| next.end()).await?;
    } else {
        let mut gc = dir.cofferdam(["gc", "--config", "serve.toml"]);
        let gc = spawn_blocking(move || gc.env_remove("KUBECONFIG").envs(clock_settings).output()).await??;
        if !gc.status.success() {
            case.violations.push(format!("gc: {}", stderr(&gc)));
        }
    }
    if let Err(error) = eventually(|| env.remaining(&created), Vec::is_empty).await {
        case.violations.push(format!("deleted objects remain: {error}"));
    }
    for mark in marks {
        case.violations.extend(repeated_execution(env.executions(&mark, &created).await?));
    }
    Ok(case)
}
