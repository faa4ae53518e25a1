//! One tenant's runs beside another tenant's flood of requests.

use super::{
    env::Env,
    program::{program, since_end},
};
use cofferdam_bench::samples::Samples;
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::TestDir, sidecar::HttpClient};
use rustix::process::Signal;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const ONE: &str = "one-one-one-one-one";
const TWO: &str = "two-two-two-two-two";
const SERVE: &str =
    "[serve]\nmax_runs = 16\nmax_queued = 64\noutput_memory = \"4Gi\"\n[tenants.two]\nmax_runs = 8\n";
/// Sequential runs of the first tenant.
const RUNS: usize = 50;
/// Clients of the second tenant, each of which repeats its request.
const FLOOD_CLIENTS: usize = 200;
/// Interval of a client that ignores `Retry-After`.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Durations of one tenant's runs, without and with the other tenant's flood.
pub(crate) fn measure(env: &Env) -> Result<(Samples, Samples), Failure> {
    let dir = TestDir::new();
    dir.write("tokens", format!("one {ONE}\ntwo {TWO}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600))?;
    let sidecar = env.start_with(&dir, &env.kubeconfig("pod"), "pod", SERVE, &["--token-file", "tokens"]);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let samples = runtime().block_on(async {
        let alone = run_sequentially(&one).await?;
        let mut flood = JoinSet::new();
        for _ in 0..FLOOD_CLIENTS {
            let two = two.clone();
            flood.spawn(async move {
                loop {
                    two.run(&program("flood", 1.0), &[]).await;
                    sleep(RETRY_INTERVAL).await;
                }
            });
        }
        let flooded = run_sequentially(&one).await?;
        flood.shutdown().await;
        Ok::<_, Failure>((alone, flooded))
    })?;
    // The sidecar deletes the runs of the flood.
    sidecar.signal(Signal::TERM);
    sidecar.end();
    Ok(samples)
}

async fn run_sequentially(client: &HttpClient) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    for _ in 0..RUNS {
        let start = Instant::now();
        let response = client.run(&program("tenant", 0.0), &[]).await;
        since_end(&response).ok_or(response.text)?;
        samples.push(start.elapsed());
    }
    Ok(samples)
}
