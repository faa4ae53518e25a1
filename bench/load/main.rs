//! `make load`: many concurrent runs through one `cofferdam serve`, on a real control plane and a fake node.

mod clients;
mod env;
mod process;
mod program;
mod requests;
mod tenants;

use clients::{Load, Measured};
use cofferdam_bench::{report::Report, samples::Samples};
use cofferdam_tests::conformance::Failure;
use env::Env;
use std::{env::var, time::Duration};

/// Default number of concurrent runs.
const RUNS: u32 = 1000;
/// Workloads and the duration of a program in seconds, longer than it takes to start all runs.
const WORKLOADS: [(&str, f64); 2] = [("pod", 60.0), ("job", 200.0)];
/// Requests beyond `max_runs`.
const EXCESS: usize = 200;
/// Concurrent runs whose requests to the API server are counted by a proxy.
const COUNTED_RUNS: u32 = 100;

fn main() -> Result<(), Failure> {
    let runs = var("RUNS").map_or(Ok(RUNS), |text| text.parse())?;
    let Some(env) = Env::new(2 * runs)? else {
        println!("load is not measured: KUBECONFIG is not that of `make cluster-up`");
        return Ok(());
    };
    let measured = measure(&env, runs);
    let deleted = env.delete();
    measured.and(deleted)
}

fn measure(env: &Env, runs: u32) -> Result<(), Failure> {
    let is_tuned = var("CONTROL_PLANE_QPS").is_ok();
    let mut report = Report::new(if is_tuned { "load-tuned" } else { "load" });
    let mut columns = Vec::new();
    for (workload, seconds) in WORKLOADS {
        let load = Load { workload, runs: usize::try_from(runs)?, seconds, excess: EXCESS };
        columns.push(clients::measure(env, load)?);
    }
    write_table(&mut report, &columns, runs);
    let [pod, job] = WORKLOADS.map(|(workload, _)| requests::per_run(env, workload, COUNTED_RUNS));
    let (pod, job) = (pod?, job?);
    report.line(&format!("| API requests per run, {COUNTED_RUNS} concurrent runs | {pod:.2} | {job:.2} |"));
    if !is_tuned {
        let (alone, flooded) = tenants::measure(env)?;
        report.table(&["a run of one tenant, ms", "p50", "p99", "runs"]);
        report.line(&format!("| no other tenant | {} |", alone.columns(0)));
        report.line(&format!("| beside another tenant's flood of requests | {} |", flooded.columns(0)));
    }
    Ok(report.write()?)
}

fn write_table(report: &mut Report, columns: &[Measured], runs: u32) {
    report.table(&["", "`workload = \"pod\"`", "`workload = \"job\"`"]);
    let mut row = |name: &str, cell: &dyn Fn(&Measured) -> String| {
        report.line(&format!("| {name} | {} |", columns.iter().map(cell).collect::<Vec<_>>().join(" | ")));
    };
    let per_run = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0 / f64::from(runs));
    row("programs running concurrently / correct results", &|m| {
        format!("{} / {}", m.concurrent, m.succeeded)
    });
    row("seconds until all programs ran", &|m| format!("{:.0}", m.ramp_up.as_secs_f64()));
    row("programs started per second", &|m| format!("{:.1}", f64::from(runs) / m.ramp_up.as_secs_f64()));
    row("memory of the sidecar, MiB: before / peak", &|m| {
        format!("{} / {}", m.memory.0 >> 20, m.memory.1 >> 20)
    });
    row("memory per run, KiB", &|m| {
        format!("{}", (m.memory.1.saturating_sub(m.memory.0) >> 10) / u64::from(runs))
    });
    row("CPU time per run, ms: sidecar / control plane", &|m| {
        format!("{} / {}", per_run(m.cpu_time.0), per_run(m.cpu_time.1))
    });
    row("connections to the API server", &|m| m.connections.to_string());
    row("from a program's end to its response, ms, p50 / p99: sequential", &|m| latencies(&m.latency.0));
    row("from a program's end to its response, ms, p50 / p99: concurrent", &|m| latencies(&m.latency.1));
    row(&format!("of {EXCESS} excess requests, refused as `overloaded`"), &|m| m.refused.to_string());
    row("duration of an excess request, ms, p50 / p99", &|m| latencies(&m.refusals));
    row("`/healthz` meanwhile, ms, p50 / p99", &|m| latencies(&m.health));
}

fn latencies(samples: &Samples) -> String {
    format!("{:.1} / {:.1}", samples.percentile(50), samples.percentile(99))
}
