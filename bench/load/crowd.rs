//! Many runs at once through one sidecar, and what they cost.

use super::{
    process,
    program::{program, since_end},
    stage::Stage,
};
use cofferdam_bench::figures::Figures;
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::Place, sidecar::Sidecar};
use std::time::{Duration, Instant};
use tokio::{task::JoinSet, time::sleep};

/// Between two looks at what goes on.
const LOOK: Duration = Duration::from_millis(100);
const CONTROL_PLANE: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "server"];

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// The most programs that ran at one moment.
    pub(crate) in_flight: usize,
    /// Runs with the right result.
    pub(crate) answered: usize,
    /// From the first request until that many programs ran.
    pub(crate) ramp: Duration,
    /// Bytes, before the first and at the most.
    pub(crate) memory: (u64, u64),
    /// Processor time of the sidecar, and of the control plane with its store, for all runs.
    pub(crate) processor: (Duration, Duration),
    /// Connections of the sidecar to the API server while all programs ran.
    pub(crate) connections: usize,
    /// From a program's end to its answer, where there was one at a time, and where there were all.
    pub(crate) added: (Figures, Figures),
    /// Callers beyond the bound who were told so.
    pub(crate) refused: usize,
    /// How soon.
    pub(crate) refusals: Figures,
    /// Answers to `/healthz` while all programs ran.
    pub(crate) health: Figures,
}

/// Runs so many programs, which take so many seconds, while as many callers as `beyond` find no room.
pub(crate) fn crowd(stage: &Stage, workload: &str, runs: usize, seconds: f64, beyond: usize) -> Result<Crowd, Failure> {
    let place = Place::new();
    let connections = 2 * runs + beyond;
    let serve = format!(
        "[serve]\nmax_runs = {runs}\nmax_queued = 0\nmax_connections = {connections}\noutput_memory = \"1Ti\"\n"
    );
    let sidecar = stage.start(&place, &stage.kubeconfig(workload), workload, &serve);
    let mut crowd = Crowd::default();
    runtime().block_on(async {
        for _ in 0..10 {
            crowd.added.0.push(since_end(&sidecar.caller().run(&program("alone", 0.0), &[]).await).ok_or("no result")?);
        }
        crowd.fill(stage, &sidecar, (workload, runs, seconds), beyond).await
    })?;
    Ok(crowd)
}

impl Crowd {
    async fn fill(
        &mut self,
        stage: &Stage,
        sidecar: &Sidecar,
        (workload, runs, seconds): (&str, usize, f64),
        beyond: usize,
    ) -> Result<(), Failure> {
        let (pid, caller, request) = (sidecar.process(), sidecar.caller(), program(workload, seconds));
        self.memory.0 = process::memory(pid)?.0;
        let used = (process::processor(pid)?, process::processor_of(&CONTROL_PLANE)?);
        let begun = Instant::now();
        let mut answers = JoinSet::new();
        for _ in 0..runs {
            let (caller, request) = (caller.clone(), request.clone());
            answers.spawn(async move { caller.run(&request, &[]).await });
        }
        // None ends before all have begun, or it is seen by the figure.
        while self.in_flight < runs && begun.elapsed() < Duration::from_secs_f64(seconds) {
            sleep(LOOK).await;
            let running = stage.started(workload)?;
            if running > self.in_flight {
                (self.in_flight, self.ramp) = (running, begun.elapsed());
            }
        }
        // The callers' own are not to the API server.
        self.connections = process::sockets(pid)?.saturating_sub(runs);
        for _ in 0..beyond {
            let begun = Instant::now();
            let answer = caller.run(&request, &[]).await;
            self.refusals.push(begun.elapsed());
            self.refused += usize::from(answer.json["code"] == "overloaded");
            let begun = Instant::now();
            caller.send("GET", "/healthz", &[], "").await;
            self.health.push(begun.elapsed());
        }
        while let Some(answer) = answers.join_next().await {
            if let Some(added) = since_end(&answer?) {
                self.answered += 1;
                self.added.1.push(added);
            }
        }
        self.memory.1 = process::memory(pid)?.1;
        let now = (process::processor(pid)?, process::processor_of(&CONTROL_PLANE)?);
        self.processor = (now.0.saturating_sub(used.0), now.1.saturating_sub(used.1));
        Ok(())
    }
}
