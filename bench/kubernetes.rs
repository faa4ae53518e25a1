//! `make bench`: the Kubernetes backend compared with google-adk's `GkeCodeExecutor` on one cluster.

use cofferdam_bench::{
    interactive::Mode,
    kubernetes::{BenchEnv, Concurrent, Requests, Sequential},
    report::Report,
    samples::Samples,
};
use cofferdam_tests::conformance::Failure;

const ROUNDS: usize = 10;
const CONCURRENCY: u32 = 10;
const CONCURRENT_ROUNDS: usize = 3;
/// Prewarmed Pods that fit on the test node.
const WARM_CONCURRENCY: u32 = 8;

fn main() -> Result<(), Failure> {
    let Some(env) = BenchEnv::new()? else {
        println!("the Kubernetes backend is not measured: KUBECONFIG is not set");
        return Ok(());
    };
    let measured = measure(&env);
    let deleted = env.delete();
    measured.and(deleted)
}

fn measure(env: &BenchEnv) -> Result<(), Failure> {
    let mut report = Report::new("kubernetes");
    report.line("Times in milliseconds; ratios and differences are per round.");
    runs(&mut report, env)?;
    interactive(&mut report, env)?;
    counts(&mut report, env)?;
    report.write()?;
    Ok(())
}

fn runs(report: &mut Report, env: &BenchEnv) -> Result<(), Failure> {
    let Sequential { adk, process, library, bare } = env.sequential(ROUNDS)?;
    let warm = env.warm(1, ROUNDS)?;
    report.table(&["sequential", "median", "min", "max", "rounds"]);
    row(report, "google-adk's `GkeCodeExecutor`, to the result", &adk, 0);
    row(report, "`cofferdam run`", &process, 0);
    row(report, "Cofferdam as a library, through the component", &library, 0);
    row(report, "the library, prewarmed sandbox", &warm, 0);
    row(report, "a bare Pod, from its creation to the event of its container's end", &bare, 0);
    row(report, "**ratio** of google-adk to `cofferdam run`", &adk.ratio(&process), 2);
    row(report, "**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    row(report, "**ratio** of google-adk to the library, prewarmed sandbox", &adk.ratio(&warm), 1);
    row(report, "**difference** of google-adk to the bare Pod", &adk.difference(&bare), 0);
    row(report, "**difference** of `cofferdam run` to the bare Pod", &process.difference(&bare), 0);
    row(report, "**difference** of the library to the bare Pod", &library.difference(&bare), 0);
    report.plot(
        "print('hello') in a cluster, median",
        &[("google-adk", &adk), ("a bare Pod", &bare), ("cofferdam run", &process), ("library, warm", &warm)],
    );

    let Concurrent { adk, processes, pod_processes, library, left_by_adk, left_by_cofferdam } =
        env.concurrent(CONCURRENCY, CONCURRENT_ROUNDS)?;
    let warm = env.warm(WARM_CONCURRENCY, CONCURRENT_ROUNDS)?;
    let bare = env.bare_concurrent(CONCURRENCY, CONCURRENT_ROUNDS)?;
    report.table(&[
        &format!("{CONCURRENCY} concurrent runs, until the last has its result"),
        "median",
        "min",
        "max",
        "rounds",
    ]);
    row(report, "google-adk", &adk, 0);
    row(report, "processes of `cofferdam run`", &processes, 0);
    row(report, "the same with `--workload pod`", &pod_processes, 0);
    row(report, "calls of the library in one process", &library, 0);
    row(report, &format!("{WARM_CONCURRENCY} calls of the library, prewarmed sandboxes"), &warm, 0);
    row(report, "bare Pods, until the event of the last one's end", &bare, 0);
    row(report, "**ratio** of google-adk to the processes", &adk.ratio(&processes), 2);
    row(report, "**ratio** of google-adk to those with `--workload pod`", &adk.ratio(&pod_processes), 2);
    row(report, "**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    row(
        report,
        &format!("**ratio** of google-adk to {WARM_CONCURRENCY} calls of the library, prewarmed"),
        &adk.ratio(&warm),
        1,
    );
    report.table(&["objects left after 5 s", "google-adk", "`cofferdam run`"]);
    report.line(&format!("| Jobs, Pods and ConfigMaps | {left_by_adk} | {left_by_cofferdam} |"));
    Ok(())
}

/// Time to interactive in the modes of ComputeSDK's benchmark.
fn interactive(report: &mut Report, env: &BenchEnv) -> Result<(), Failure> {
    report.table(&["time to interactive", "median", "95 %", "99 %", "programs"]);
    for mode in Mode::ALL {
        let [adk, cold, warm] = env.interactive(mode, WARM_CONCURRENCY)?;
        for (name, samples) in [("google-adk", &adk), ("the library, cold", &cold), ("warm", &warm)] {
            report.line(&format!("| {}: {name} | {} |", mode.name(), samples.percentiles(0)));
        }
    }
    Ok(())
}

fn counts(report: &mut Report, env: &BenchEnv) -> Result<(), Failure> {
    let Requests { adk, process, pod_process, library } = env.requests()?;
    report.table(&["API requests per run", ""]);
    for (name, requests) in [
        ("google-adk", adk),
        ("`cofferdam run`", process),
        ("`cofferdam run --workload pod`", pod_process),
        ("the library, with a running watch", library),
    ] {
        report.line(&format!("| {name} | {requests} |"));
    }
    Ok(())
}

fn row(report: &mut Report, name: &str, samples: &Samples, decimals: usize) {
    report.line(&format!("| {name} | {} |", samples.range(decimals)));
}
