//! Requests to the API server.

use super::{
    env::Env,
    program::{program, since_end},
};
use cofferdam_tests::{
    cluster::{Action, Proxy, runtime},
    conformance::Failure,
    program::TestDir,
    sidecar::HttpClient,
};
use tokio::task::JoinSet;

/// Requests per run, for concurrent runs of a sidecar that has already executed one.
pub(crate) fn per_run(env: &Env, workload: &str, runs: u32) -> Result<f64, Failure> {
    let dir = TestDir::new();
    let kubeconfig = env.kubeconfig(workload);
    let proxy = runtime().block_on(Proxy::start(&kubeconfig, dir.path(), |_, _| Action::Forward))?;
    let serve = format!("[serve]\nmax_runs = {runs}\noutput_memory = \"1Ti\"\n");
    let sidecar = env.start(&dir, proxy.kubeconfig(), workload, &serve);
    // The first run creates the runner's ConfigMap and starts the watches.
    runtime().block_on(run_concurrently(&sidecar.client(), 1))?;
    let before = proxy.requests().len();
    runtime().block_on(run_concurrently(&sidecar.client(), runs))?;
    let count = u32::try_from(proxy.requests().len() - before)?;
    Ok(f64::from(count) / f64::from(runs))
}

async fn run_concurrently(client: &HttpClient, runs: u32) -> Result<(), Failure> {
    let mut responses = JoinSet::new();
    for _ in 0..runs {
        let client = client.clone();
        responses.spawn(async move { client.run(&program("counted", 1.0), &[]).await });
    }
    while let Some(response) = responses.join_next().await {
        let response = response?;
        since_end(&response).ok_or(response.text)?;
    }
    Ok(())
}
