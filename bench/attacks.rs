//! Durations of one tenant's requests, beside ordinary requests of another tenant and beside its attacks.
//! `make soak` runs it.

use cofferdam_bench::samples::Samples;
use cofferdam_tests::{
    attacks::{AttackPlan, AttackReport, run_attacks},
    cluster::runtime,
};
use std::time::Duration;

const PLAN: AttackPlan = AttackPlan { requests: 200, time: Duration::from_secs(120), pool: 4 };

fn main() {
    let AttackReport { without_attacks, under_attack, peak, kills } = runtime().block_on(run_attacks(PLAN));
    let [without_attacks, under_attack] = [without_attacks, under_attack].map(|times| {
        let mut samples = Samples::default();
        times.into_iter().for_each(|time| samples.push(time));
        samples
    });
    println!("| a request of one tenant, ms | p50 | p95 | p99 | requests |");
    println!("|---|---|---|---|---|");
    println!("| beside as many of another tenant | {} |", without_attacks.percentiles(0));
    println!("| beside that tenant's attacks | {} |", under_attack.percentiles(0));
    let ratio = under_attack.percentile(95) / without_attacks.percentile(95);
    println!("ratio of the p95 with attacks to the p95 without: {ratio:.2}");
    println!("peak memory of the sidecar, MiB: {}; killed for lack of memory: {kills:?}", peak >> 20);
}
