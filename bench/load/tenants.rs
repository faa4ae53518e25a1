//! One tenant beside another one's flood.

use super::{
    program::{program, since_end},
    stage::Stage,
};
use cofferdam_bench::figures::Figures;
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::Place, sidecar::Caller};
use rustix::process::Signal;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const ONE: &str = "one-one-one-one-one";
const TWO: &str = "two-two-two-two-two";
const SERVE: &str = "[serve]\nmax_runs = 16\nmax_queued = 64\noutput_memory = \"4Gi\"\n[tenants.two]\nmax_runs = 8\n";
/// Runs of the first tenant, one after the other.
const RUNS: usize = 50;
/// Callers of the second, each of whom asks again and again.
const FLOOD: usize = 200;
/// What one who does not read `Retry-After` waits.
const IMPATIENCE: Duration = Duration::from_millis(50);

/// Runs of one tenant, without and with the other one's flood.
pub(crate) fn tenants(stage: &Stage) -> Result<(Figures, Figures), Failure> {
    let place = Place::new();
    place.write("tokens", format!("one {ONE}\ntwo {TWO}\n"));
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o600))?;
    let sidecar = stage.start_with(&place, &stage.kubeconfig("pod"), "pod", SERVE, &["--token-file", "tokens"]);
    let (one, two) = (sidecar.caller().with_token(ONE), sidecar.caller().with_token(TWO));
    let figures = runtime().block_on(async {
        let alone = one_by_one(&one).await?;
        let mut flood = JoinSet::new();
        for _ in 0..FLOOD {
            let two = two.clone();
            flood.spawn(async move {
                loop {
                    two.run(&program("flood", 1.0), &[]).await;
                    sleep(IMPATIENCE).await;
                }
            });
        }
        let flooded = one_by_one(&one).await?;
        flood.shutdown().await;
        Ok::<_, Failure>((alone, flooded))
    })?;
    // It takes away what the flood left in its hands.
    sidecar.signal(Signal::TERM);
    sidecar.end();
    Ok(figures)
}

async fn one_by_one(caller: &Caller) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let answer = caller.run(&program("tenant", 0.0), &[]).await;
        since_end(&answer).ok_or(answer.text)?;
        figures.push(begun.elapsed());
    }
    Ok(figures)
}
