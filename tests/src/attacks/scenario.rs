//! A sidecar with two tenants: one runs all attacks at once, the other sends ordinary requests.

use super::{
    Attacker, cancelled_executions, idle_connections, large_outcomes, long_heads, many_json_values,
    quoted_outputs, unlimited_sessions, unread_responses,
};
use crate::{
    cgroup::{MemoryCgroup, memory},
    program::TestDir,
    sidecar::{HttpClient, Sidecar},
};
use serde_json::json;
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

const HONEST: &str = "honest-honest-honest";
const HOSTILE: &str = "hostile-hostile-hostile";
/// The hostile tenant may use half of the runs. Idempotency keys are kept for longer than the scenario takes.
/// The memory limits add up to less than [`MEMORY`].
const SETTINGS: &str = r#"
output_limit = "16Mi"
collected_limit = "4Mi"
[ceilings]
output_limit = "16Mi"
collected_limit = "4Mi"
[serve]
max_runs = 4
kept_seconds = 3600
body_memory = "64Mi"
output_memory = "144Mi"
[tenants.hostile]
max_runs = 2
"#;
/// Memory limit of the sidecar in bytes.
const MEMORY: u64 = 512 << 20;
/// Its output is different for each execution.
const CODE: &str = "import os; print(os.urandom(16).hex())";
/// Attempts of one request, each after `Retry-After`.
const MAX_ATTEMPTS: usize = 60;

/// The size of the scenario.
#[derive(Debug, Clone, Copy)]
pub struct AttackPlan {
    /// Requests of the honest tenant, each with an idempotency key.
    pub requests: u32,
    /// Duration of the attacks, over which the requests are spread.
    pub time: Duration,
    /// Pooled sandboxes.
    pub pool: u32,
}

/// The measurements of [`run_attacks`].
#[derive(Debug)]
pub struct AttackReport {
    /// Durations of the honest tenant's requests beside as many ordinary requests of the other tenant.
    pub without_attacks: Vec<Duration>,
    /// Durations of the honest tenant's requests during the attacks.
    pub under_attack: Vec<Duration>,
    /// Peak memory of the sidecar in bytes.
    pub peak: u64,
    /// How often the kernel has killed the sidecar for lack of memory; `None` if the user may not create
    /// cgroups.
    pub kills: Option<u64>,
}

/// Sends the honest tenant's requests twice: beside as many of the other tenant, and during all attacks at
/// once.
///
/// # Panics
///
/// A request of the honest tenant fails or is executed twice, or the sidecar has died.
#[expect(clippy::expect_used, clippy::panic, reason = "the scenario needs its sidecar")]
pub async fn run_attacks(plan: AttackPlan) -> AttackReport {
    let dir = TestDir::new();
    dir.write("tokens", format!("honest {HONEST}\nhostile {HOSTILE}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a file");
    dir.write("serve.toml", SETTINGS);
    let cgroup = MemoryCgroup::new(MEMORY).ok();
    let pool = plan.pool.to_string();
    let options = ["--config", "serve.toml", "--token-file", "tokens"];
    let sidecar =
        Sidecar::start_in_cgroup(cgroup.as_ref(), &dir, &options, &[("COFFERDAM_POOL__MAXIMUM", &pool)]);
    let (honest, hostile) =
        (sidecar.tcp_client().with_token(HONEST), sidecar.tcp_client().with_token(HOSTILE));
    let (without_attacks, _) =
        tokio::join!(work(honest.clone(), plan, "before"), work(hostile, plan, "beside"));
    let attacker = Attacker {
        address: sidecar.address.clone(),
        token: HOSTILE.into(),
        until: Instant::now() + plan.time,
    };
    let attacks = start_attacks(&attacker);
    let under_attack = tokio::spawn(work(honest, plan, "attacked")).await;
    let (peak, kills) = (memory(sidecar.pid()).1, cgroup.as_ref().map(MemoryCgroup::kills));
    let under_attack = under_attack.unwrap_or_else(|error| {
        panic!("a request failed; killed for lack of memory: {kills:?}, peak {peak}: {error}")
    });
    attacks.join_all().await;
    let peak = peak.max(memory(sidecar.pid()).1);
    let health = sidecar.client().send("GET", "/healthz", &[], "").await;
    assert_eq!(health.status, 200, "{}", health.text);
    drop(sidecar);
    AttackReport { without_attacks, under_attack, peak, kills: cgroup.map(|cgroup| cgroup.kills()) }
}

fn start_attacks(attacker: &Attacker) -> JoinSet<()> {
    let mut attacks = JoinSet::new();
    attacks.spawn(large_outcomes(attacker.clone()));
    attacks.spawn(quoted_outputs(attacker.clone()));
    attacks.spawn(many_json_values(attacker.clone()));
    attacks.spawn(cancelled_executions(attacker.clone()));
    attacks.spawn(unread_responses(attacker.clone()));
    attacks.spawn(unlimited_sessions(attacker.clone()));
    attacks.spawn(idle_connections(attacker.clone()));
    attacks.spawn(long_heads(attacker.clone()));
    attacks
}

/// Sends requests one after the other, and repeats each key at the end.
async fn work(client: HttpClient, plan: AttackPlan, name: &'static str) -> Vec<Duration> {
    let (start, mut times, mut outcomes) = (Instant::now(), Vec::new(), Vec::new());
    let name = format!("{name}-{}", Uuid::new_v4());
    for number in 0..plan.requests {
        sleep_until(start + plan.time.mul_f64(0.8) * number / plan.requests).await;
        let sent = Instant::now();
        outcomes.push(execute_once(&client, &format!("{name}-{number}")).await);
        times.push(sent.elapsed());
    }
    let distinct: BTreeSet<&String> = outcomes.iter().map(|(_, output)| output).collect();
    assert_eq!(distinct.len(), outcomes.len(), "two requests have the same output");
    for (number, outcome) in outcomes.iter().enumerate() {
        let again = execute_once(&client, &format!("{name}-{number}")).await;
        assert_eq!(again, *outcome, "request {number} was executed twice");
    }
    times
}

/// Id and output of the execution of this key, retried as the sidecar asks.
#[expect(clippy::panic, reason = "the request must succeed")]
async fn execute_once(client: &HttpClient, key: &str) -> (String, String) {
    let mut last = String::new();
    for _ in 0..MAX_ATTEMPTS {
        let response = client.run(&json!({ "code": CODE }), &[("idempotency-key", key)]).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        match response.headers.get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok()) {
            Some(seconds) => sleep(Duration::from_secs(seconds)).await,
            None => {
                let output = text(&response.json["stdout"]["content"]);
                assert!(
                    response.status == 200 && output.len() == 33,
                    "{} {}",
                    response.status,
                    response.text
                );
                return (text(&response.json["id"]), output);
            }
        }
        last = response.text;
    }
    panic!("{key} was not executed: {last}");
}
