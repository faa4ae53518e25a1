//! A tenant's requests beside as many of another tenant's, and beside all attacks at once, in one run. `make soak` has it.

use cofferdam_bench::figures::Figures;
use cofferdam_tests::{
    attacks::{Besieged, Plan, besiege},
    cluster::runtime,
};
use std::time::Duration;

/// Requests, spread over the time that the attacks last.
const PLAN: Plan = Plan { requests: 200, time: Duration::from_secs(120), pool: 4 };

fn main() {
    let Besieged { honest, attacked, peak, kills } = runtime().block_on(besiege(PLAN));
    let [honest, attacked] = [honest, attacked].map(|times| {
        let mut figures = Figures::default();
        times.into_iter().for_each(|time| figures.push(time));
        figures
    });
    println!("| a request of one tenant, ms | p50 | p95 | p99 | requests |");
    println!("|---|---|---|---|---|");
    println!("| beside as many of another tenant | {} |", honest.tail(0));
    println!("| beside that tenant's attacks | {} |", attacked.tail(0));
    println!("p95 beside the attacks, in those without: {:.2}", attacked.percentile(95) / honest.percentile(95));
    println!("memory of the sidecar at the most, MiB: {}; killed for its memory: {kills:?}", peak >> 20);
}
