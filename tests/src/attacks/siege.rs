//! A sidecar with two tenants, of which one attacks it in all ways at once and the other one does its work.

use super::{
    Attacker, cancelled_executions, idle_connections, large_outcomes, long_heads, many_json_values, quoted_outputs,
    sessions_without_number, unread_answers,
};
use crate::{
    cgroup::{MemoryCgroup, memory},
    program::Place,
    sidecar::{Caller, Sidecar},
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
/// Half of what there is goes to the one tenant, which an operator would say who does not trust it. Keys are remembered for longer
/// than all of it takes. The bounds of memory are such that their sum is less than [`MEMORY`].
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
/// Memory of the sidecar.
const MEMORY: u64 = 512 << 20;
/// What nothing can be known of: it is printed by the one execution that there was.
const CODE: &str = "import os; print(os.urandom(16).hex())";
/// Tries of one request, each after the time that the sidecar names.
const TRIES: usize = 60;

/// How long, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Requests of the honest tenant, with a key each.
    pub requests: u32,
    /// How long the attacks last; the requests are spread over it.
    pub time: Duration,
    /// Sandboxes that wait for programs.
    pub pool: u32,
}

/// What came of it.
#[derive(Debug)]
pub struct Besieged {
    /// How long the honest tenant's requests took beside as many of the other one's.
    pub honest: Vec<Duration>,
    /// How long they took beside the attacks.
    pub attacked: Vec<Duration>,
    /// Bytes that the sidecar has held at the most.
    pub peak: u64,
    /// How often the kernel has killed it for its memory; none where this user may make no cgroup.
    pub kills: Option<u64>,
}

/// Does the honest work twice: beside the same of the other tenant, and beside all attacks at once.
///
/// # Panics
///
/// Where a request of the honest tenant does not end right, ran twice, or the sidecar is gone.
#[expect(clippy::expect_used, clippy::panic, reason = "a siege without a sidecar has failed")]
pub async fn besiege(plan: Plan) -> Besieged {
    let place = Place::new();
    place.write("tokens", format!("honest {HONEST}\nhostile {HOSTILE}\n"));
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a file");
    place.write("serve.toml", SETTINGS);
    let cgroup = MemoryCgroup::new(MEMORY).ok();
    let pool = plan.pool.to_string();
    let options = ["--config", "serve.toml", "--token-file", "tokens"];
    let sidecar = Sidecar::start_in(cgroup.as_ref(), &place, &options, &[("COFFERDAM_POOL__MAXIMUM", &pool)]);
    let (honest, hostile) = (sidecar.tcp_caller().with_token(HONEST), sidecar.tcp_caller().with_token(HOSTILE));
    let (beside, _) = tokio::join!(work(honest.clone(), plan, "before"), work(hostile, plan, "beside"));
    let attacker =
        Attacker { address: sidecar.address.clone(), token: HOSTILE.into(), until: Instant::now() + plan.time };
    let attacks = all(&attacker);
    let attacked = tokio::spawn(work(honest, plan, "attacked")).await;
    let (peak, kills) = (memory(sidecar.process()).1, cgroup.as_ref().map(MemoryCgroup::kills));
    let attacked = attacked.unwrap_or_else(|error| panic!("killed for its memory: {kills:?}, peak {peak}: {error}"));
    attacks.join_all().await;
    let peak = peak.max(memory(sidecar.process()).1);
    let health = sidecar.caller().send("GET", "/healthz", &[], "").await;
    assert_eq!(health.status, 200, "{}", health.text);
    drop(sidecar);
    Besieged { honest: beside, attacked, peak, kills: cgroup.map(|cgroup| cgroup.kills()) }
}

fn all(attacker: &Attacker) -> JoinSet<()> {
    let mut attacks = JoinSet::new();
    attacks.spawn(large_outcomes(attacker.clone()));
    attacks.spawn(quoted_outputs(attacker.clone()));
    attacks.spawn(many_json_values(attacker.clone()));
    attacks.spawn(cancelled_executions(attacker.clone()));
    attacks.spawn(unread_answers(attacker.clone()));
    attacks.spawn(sessions_without_number(attacker.clone()));
    attacks.spawn(idle_connections(attacker.clone()));
    attacks.spawn(long_heads(attacker.clone()));
    attacks
}

/// Sends requests with a key each, one after the other, and each of them again at the end.
async fn work(caller: Caller, plan: Plan, name: &'static str) -> Vec<Duration> {
    let (begun, mut times, mut outcomes) = (Instant::now(), Vec::new(), Vec::new());
    let name = format!("{name}-{}", Uuid::new_v4());
    for number in 0..plan.requests {
        sleep_until(begun + plan.time.mul_f64(0.8) * number / plan.requests).await;
        let sent = Instant::now();
        outcomes.push(ask(&caller, &format!("{name}-{number}")).await);
        times.push(sent.elapsed());
    }
    let distinct: BTreeSet<&String> = outcomes.iter().map(|(_, output)| output).collect();
    assert_eq!(distinct.len(), outcomes.len(), "two requests have the same output");
    for (number, outcome) in outcomes.iter().enumerate() {
        let again = ask(&caller, &format!("{name}-{number}")).await;
        assert_eq!(again, *outcome, "request {number} ran twice");
    }
    times
}

/// Id and output of the execution of this key, after as many tries as the sidecar wants.
#[expect(clippy::panic, reason = "a request that does not end right has failed")]
async fn ask(caller: &Caller, key: &str) -> (String, String) {
    let mut last = String::new();
    for _ in 0..TRIES {
        let answer = caller.run(&json!({ "code": CODE }), &[("idempotency-key", key)]).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        match answer.headers.get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok()) {
            Some(seconds) => sleep(Duration::from_secs(seconds)).await,
            None => {
                let output = text(&answer.json["stdout"]["content"]);
                assert!(answer.status == 200 && output.len() == 33, "{} {}", answer.status, answer.text);
                return (text(&answer.json["id"]), output);
            }
        }
        last = answer.text;
    }
    panic!("{key} was never run: {last}");
}
