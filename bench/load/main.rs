//! `make load`: many runs at once through one `cofferdam serve`, on the real control plane and a node without containers.

mod crowd;
mod process;
mod program;
mod requests;
mod stage;
mod tenants;

use cofferdam_bench::{figures::Figures, report::Report};
use cofferdam_tests::conformance::Failure;
use crowd::Crowd;
use stage::Stage;
use std::{env, time::Duration};

/// Runs at once.
const RUNS: u32 = 1000;
/// How long a program takes, in seconds: longer than it takes to start that many.
const WORKLOADS: [(&str, f64); 2] = [("pod", 60.0), ("job", 200.0)];
/// Callers beyond the bound.
const BEYOND: usize = 200;
/// Runs at once whose requests are counted, which a proxy of ours has to carry.
const COUNTED: u32 = 100;

fn main() -> Result<(), Failure> {
    let runs = env::var("RUNS").map_or(Ok(RUNS), |text| text.parse())?;
    let Some(stage) = Stage::set(2 * runs)? else {
        println!("load is not measured: KUBECONFIG does not name the cluster of `make cluster-up`");
        return Ok(());
    };
    let measured = measure(&stage, runs);
    let cleared = stage.clear();
    measured.and(cleared)
}

fn measure(stage: &Stage, runs: u32) -> Result<(), Failure> {
    let tuned = env::var("CONTROL_PLANE_QPS").ok();
    let mut report = Report::new(if tuned.is_some() { "load-tuned" } else { "load" });
    let crowds: Vec<_> = WORKLOADS
        .map(|(workload, seconds)| crowd::crowd(stage, workload, usize::try_from(runs)?, seconds, BEYOND))
        .into_iter()
        .collect::<Result<_, Failure>>()?;
    report.table(&["", "`workload = \"pod\"`", "`workload = \"job\"`"]);
    let mut row = |what: &str, figure: &dyn Fn(&Crowd) -> String| {
        report.line(&format!("| {what} | {} |", crowds.iter().map(figure).collect::<Vec<_>>().join(" | ")));
    };
    let each = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0 / f64::from(runs));
    row("programs that ran at one moment / right answers", &|crowd| {
        format!("{} / {}", crowd.in_flight, crowd.answered)
    });
    row("seconds until all of them ran", &|crowd| format!("{:.0}", crowd.ramp.as_secs_f64()));
    row("programs started a second", &|crowd| format!("{:.1}", f64::from(runs) / crowd.ramp.as_secs_f64()));
    row("memory of the sidecar, MiB: before / at the most", &|crowd| {
        format!("{} / {}", crowd.memory.0 >> 20, crowd.memory.1 >> 20)
    });
    row("the same for a run, KiB", &|crowd| {
        format!("{}", (crowd.memory.1.saturating_sub(crowd.memory.0) >> 10) / u64::from(runs))
    });
    row("processor time for a run, ms: sidecar / control plane", &|crowd| {
        format!("{} / {}", each(crowd.processor.0), each(crowd.processor.1))
    });
    row("connections to the API server", &|crowd| crowd.connections.to_string());
    row("from a program's end to its answer, ms, p50 / p99: one at a time", &|crowd| latencies(&crowd.added.0));
    row("the same for all at once", &|crowd| latencies(&crowd.added.1));
    row(&format!("callers beyond the bound of {BEYOND} who are told `overloaded`"), &|crowd| crowd.refused.to_string());
    row("how soon, ms, p50 / p99", &|crowd| latencies(&crowd.refusals));
    row("`/healthz` meanwhile, ms, p50 / p99", &|crowd| latencies(&crowd.health));
    let [pod, job] = WORKLOADS.map(|(workload, _)| requests::requests(stage, workload, COUNTED));
    report.line(&format!("| requests to the API server for a run, {COUNTED} at once | {:.2} | {:.2} |", pod?, job?));
    if tuned.is_none() {
        let (alone, flooded) = tenants::tenants(stage)?;
        report.table(&["a run of one tenant, ms", "p50", "p99", "runs"]);
        report.line(&format!("| with no other | {} |", alone.columns(0)));
        report.line(&format!("| beside another one's flood | {} |", flooded.columns(0)));
    }
    Ok(report.write()?)
}

fn latencies(figures: &Figures) -> String {
    format!("{:.1} / {:.1}", figures.percentile(50), figures.percentile(99))
}
