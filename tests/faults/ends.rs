//! A process `cofferdam serve` whose clock is set and that ends in the middle of runs, as the dice choose, judged like all others.

use super::{
    judge::is_executed_too_often,
    plan::dice,
    program::Program,
    stage::Stage,
    step::Step,
    trial::{Outcome, Verdict},
};
use cofferdam::config::Workload;
use cofferdam_tests::{
    clock::Clock,
    cluster::{Action, Proxy, eventually},
    conformance::Failure,
    program::{Place, stderr},
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

/// When a process that was told to end has to have ended: its grace and what removing may take.
const BOUND: Duration = Duration::from_secs(75);
/// By how many seconds a clock may be set.
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// Steps that each run comes to.
const STEPS: [Step; 5] = [Step::CreateOwner, Step::CreateConfigMap, Step::WatchEvents, Step::Join, Step::Delete];

/// Ends a sidecar in the middle of some runs, as the dice of this number have it.
pub(crate) async fn end(stage: &Stage, seed: u64, number: u64) -> Result<Verdict, Failure> {
    let random = &mut dice(seed, number);
    let workload = if random.random() { Workload::Job } else { Workload::Pod };
    let signal = *[Signal::KILL, Signal::KILL, Signal::TERM].choose(random).unwrap_or(&Signal::KILL);
    let (step, delay) = (*STEPS.choose(random).unwrap_or(&Step::Join), random.random_range(0..1000));
    let (callers, waiting) = (random.random_range(1..5), random.random_range(0..3_u32));
    let place = Arc::new(Place::new());
    let proxy = Proxy::start(&stage.kubeconfig(workload), place.path(), |_, _| Action::Forward).await?;
    place.write("serve.toml", stage.settings_file(proxy.kubeconfig(), workload)?);
    let clock = if random.random() { Clock::new(&place)? } else { None };
    let ahead = *[-DAY, -HOUR, HOUR, DAY].choose(random).unwrap_or(&DAY);
    let clock_settings: Vec<_> = clock.iter().flat_map(Clock::settings).collect();
    // The proxy is of the same threads.
    let start = || {
        let (place, waiting, clock) = (place.clone(), waiting.to_string(), clock_settings.clone());
        spawn_blocking(move || {
            let own = [("COFFERDAM_POOL__MAXIMUM", waiting.as_str()), ("COFFERDAM_SERVE__GRACE_SECONDS", "2")];
            let settings: Vec<_> =
                own.into_iter().chain(clock.iter().map(|(name, text)| (*name, text.as_str()))).collect();
            Sidecar::start(&place, &["--config", "serve.toml"], &settings)
        })
    };
    let sidecar = start().await?;
    let mut marks = Vec::new();
    for caller in 0..callers {
        let mark = format!("{seed}-end-{number}-{caller}");
        let request = json!({ "code": Program::of_seconds(random.random_range(0.0..2.0)).code(&mark) });
        // The answer is not waited for: it may never come.
        let accepted = sidecar.caller().run(&request, &[("prefer", "respond-async")]).await;
        if accepted.status != 202 {
            return Err(accepted.text.into());
        }
        marks.push(mark);
    }
    if let Some(clock) = &clock {
        proxy.heard_such(|asked| Step::of(asked) == Some(Step::CreateOwner)).await;
        clock.set(ahead)?;
    }
    proxy.heard_such(|asked| Step::of(asked) == Some(step)).await;
    sleep(Duration::from_millis(delay)).await;
    let begun = Instant::now();
    sidecar.signal(signal);
    let mut verdict = Verdict::default();
    let Ok(ended) = timeout(BOUND, spawn_blocking(|| sidecar.end())).await else {
        verdict.violations.push(format!("it did not end in {BOUND:?} after {signal:?}"));
        return Ok(verdict);
    };
    let (status, log) = ended?;
    verdict.outcomes.push(Outcome { name: format!("ended by {signal:?}"), took: begun.elapsed() });
    let created = proxy.created();
    if signal == Signal::TERM {
        if !status.success() {
            verdict.violations.push(format!("{status} after {signal:?}: {log}"));
        }
        let kept = stage.kept(&created).await?;
        if !kept.is_empty() {
            verdict.violations.push(format!("nobody has told these to go: {kept:?}: {log}"));
        }
    } else if random.random() {
        // What it has left, the next one removes.
        let next = start().await?;
        if let Err(error) = eventually(|| stage.left(&created), Vec::is_empty).await {
            verdict.violations.push(format!("the next one leaves what it finds: {error}"));
        }
        next.signal(Signal::TERM);
        spawn_blocking(|| next.end()).await?;
    } else {
        let mut gc = place.cofferdam(["gc", "--config", "serve.toml"]);
        let gc = spawn_blocking(move || gc.env_remove("KUBECONFIG").envs(clock_settings).output()).await??;
        if !gc.status.success() {
            verdict.violations.push(format!("gc: {}", stderr(&gc)));
        }
    }
    if let Err(error) = eventually(|| stage.left(&created), Vec::is_empty).await {
        verdict.violations.push(format!("left after a minute: {error}"));
    }
    for mark in marks {
        verdict.violations.extend(is_executed_too_often(stage.executions(&mark, &created).await?));
    }
    Ok(verdict)
}
