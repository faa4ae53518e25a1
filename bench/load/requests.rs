//! What the API server is asked for.

use super::{
    program::{program, since_end},
    stage::Stage,
};
use cofferdam_tests::{
    cluster::{Action, Proxy, runtime},
    conformance::Failure,
    program::Place,
    sidecar::Caller,
};
use tokio::task::JoinSet;

/// Requests for each of so many runs at once, through a sidecar that has had some.
pub(crate) fn requests(stage: &Stage, workload: &str, runs: u32) -> Result<f64, Failure> {
    let place = Place::new();
    let kubeconfig = stage.kubeconfig(workload);
    let proxied = runtime().block_on(Proxy::start(&kubeconfig, place.path(), |_, _| Action::Forward))?;
    let serve = format!("[serve]\nmax_runs = {runs}\noutput_memory = \"1Ti\"\n");
    let sidecar = stage.start(&place, proxied.kubeconfig(), workload, &serve);
    // The first one looks for the runner and begins to watch.
    runtime().block_on(all_at_once(&sidecar.caller(), 1))?;
    let before = proxied.asked().len();
    runtime().block_on(all_at_once(&sidecar.caller(), runs))?;
    let asked = u32::try_from(proxied.asked().len() - before)?;
    Ok(f64::from(asked) / f64::from(runs))
}

async fn all_at_once(caller: &Caller, runs: u32) -> Result<(), Failure> {
    let mut answers = JoinSet::new();
    for _ in 0..runs {
        let caller = caller.clone();
        answers.spawn(async move { caller.run(&program("counted", 1.0), &[]).await });
    }
    while let Some(answer) = answers.join_next().await {
        let answer = answer?;
        since_end(&answer).ok_or(answer.text)?;
    }
    Ok(())
}
