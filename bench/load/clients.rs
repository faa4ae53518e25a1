//! Many concurrent clients of one sidecar, and the resources that their runs take.

use super::{
    env::Env,
    process,
    program::{program, since_end},
};
use cofferdam_bench::samples::Samples;
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::TestDir, sidecar::Sidecar};
use std::time::{Duration, Instant};
use tokio::{task::JoinSet, time::sleep};

const POLL_INTERVAL: Duration = Duration::from_millis(100);
const CONTROL_PLANE: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "server"];

/// A number of runs and the duration of their programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    /// `pod` or `job`.
    pub(crate) workload: &'a str,
    pub(crate) runs: usize,
    /// Duration of a program in seconds.
    pub(crate) seconds: f64,
    /// Requests beyond `max_runs`, which are refused.
    pub(crate) excess: usize,
}

/// The measurements of one load.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Maximum number of programs that ran concurrently.
    pub(crate) concurrent: usize,
    /// Runs with the correct result.
    pub(crate) succeeded: usize,
    /// Time from the first request until `concurrent` programs ran.
    pub(crate) ramp_up: Duration,
    /// Memory of the sidecar in bytes: before the first run, and its peak.
    pub(crate) memory: (u64, u64),
    /// CPU time of the sidecar and of the control plane for all runs.
    pub(crate) cpu_time: (Duration, Duration),
    /// Connections of the sidecar to the API server while all programs ran.
    pub(crate) connections: usize,
    /// Time from a program's end to its response, for sequential and for concurrent runs.
    pub(crate) latency: (Samples, Samples),
    /// Excess requests that were refused as `overloaded`.
    pub(crate) refused: usize,
    /// Duration of the excess requests.
    pub(crate) refusals: Samples,
    /// Duration of `/healthz` requests while all programs ran.
    pub(crate) health: Samples,
}

/// Applies a load to a new sidecar.
pub(crate) fn measure(env: &Env, load: Load<'_>) -> Result<Measured, Failure> {
    let Load { workload, runs, excess, .. } = load;
    let dir = TestDir::new();
    let connections = 2 * runs + excess;
    let serve = format!(
        "[serve]\nmax_runs = {runs}\nmax_queued = 0\nmax_connections = {connections}\noutput_memory = \"1Ti\"\n"
    );
    let sidecar = env.start(&dir, &env.kubeconfig(workload), workload, &serve);
    let mut measured = Measured::default();
    runtime().block_on(async {
        for _ in 0..10 {
            let response = sidecar.client().run(&program("alone", 0.0), &[]).await;
            measured.latency.0.push(since_end(&response).ok_or("no result")?);
        }
        measured.apply(env, &sidecar, load).await
    })?;
    Ok(measured)
}

impl Measured {
    async fn apply(&mut self, env: &Env, sidecar: &Sidecar, load: Load<'_>) -> Result<(), Failure> {
        let Load { workload, runs, seconds, excess } = load;
        let (pid, client, request) = (sidecar.pid(), sidecar.client(), program(workload, seconds));
        self.memory.0 = process::memory(pid)?.0;
        let cpu_before = (process::cpu_time(pid)?, process::cpu_time_of(&CONTROL_PLANE)?);
        let start = Instant::now();
        let mut responses = JoinSet::new();
        for _ in 0..runs {
            let (client, request) = (client.clone(), request.clone());
            responses.spawn(async move { client.run(&request, &[]).await });
        }
        // If a program ends before all have started, `concurrent` stays below `runs`.
        while self.concurrent < runs && start.elapsed() < Duration::from_secs_f64(seconds) {
            sleep(POLL_INTERVAL).await;
            let running = env.started(workload)?;
            if running > self.concurrent {
                (self.concurrent, self.ramp_up) = (running, start.elapsed());
            }
        }
        // Without the clients' own connections.
        self.connections = process::sockets(pid)?.saturating_sub(runs);
        for _ in 0..excess {
            let start = Instant::now();
            let response = client.run(&request, &[]).await;
            self.refusals.push(start.elapsed());
            self.refused += usize::from(response.json["code"] == "overloaded");
            let start = Instant::now();
            client.send("GET", "/healthz", &[], "").await;
            self.health.push(start.elapsed());
        }
        while let Some(response) = responses.join_next().await {
            if let Some(latency) = since_end(&response?) {
                self.succeeded += 1;
                self.latency.1.push(latency);
            }
        }
        self.memory.1 = process::memory(pid)?.1;
        let cpu_after = (process::cpu_time(pid)?, process::cpu_time_of(&CONTROL_PLANE)?);
        self.cpu_time = (cpu_after.0.saturating_sub(cpu_before.0), cpu_after.1.saturating_sub(cpu_before.1));
        Ok(())
    }
}
