//! `make bench`: the Kubernetes backend beside google-adk's `GkeCodeExecutor`, on one cluster in one run, as a table.

use cofferdam_bench::{
    figures::Figures,
    interactive::Mode,
    kubernetes::{AtOnce, Requests, Sequential, Stage},
    report::Report,
};
use cofferdam_tests::conformance::Failure;

const ROUNDS: usize = 10;
const AT_ONCE: u32 = 10;
const ROUNDS_AT_ONCE: usize = 3;
/// As many Pods as the node of the tests can hold while they wait.
const WARM_AT_ONCE: u32 = 8;

fn main() -> Result<(), Failure> {
    let Some(stage) = Stage::set()? else {
        println!("the Kubernetes backend is not measured: KUBECONFIG names no cluster");
        return Ok(());
    };
    let measured = measure(&stage);
    let cleared = stage.clear();
    measured.and(cleared)
}

fn measure(stage: &Stage) -> Result<(), Failure> {
    let mut report = Report::new("kubernetes");
    report.line("Times in milliseconds; ratios and differences are taken round by round.");
    runs(&mut report, stage)?;
    interactive(&mut report, stage)?;
    counts(&mut report, stage)?;
    report.write()?;
    Ok(())
}

fn runs(report: &mut Report, stage: &Stage) -> Result<(), Failure> {
    let Sequential { adk, process, library, bare } = stage.sequential(ROUNDS)?;
    let warm = stage.warm(1, ROUNDS)?;
    report.table(&["one after another", "median", "min", "max", "rounds"]);
    row(report, "google-adk's `GkeCodeExecutor`, to the result", &adk, 0);
    row(report, "`cofferdam run`, from start to end", &process, 0);
    row(report, "Cofferdam as a library, through the component", &library, 0);
    row(report, "the library in a sandbox that waits", &warm, 0);
    row(report, "a bare Pod, from POST until its container is seen to have ended", &bare, 0);
    row(report, "**ratio** of google-adk to `cofferdam run`", &adk.ratio(&process), 2);
    row(report, "**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    row(report, "**ratio** of google-adk to a sandbox that waits", &adk.ratio(&warm), 1);
    row(report, "google-adk above the bare Pod", &adk.above(&bare), 0);
    row(report, "`cofferdam run` above the bare Pod", &process.above(&bare), 0);
    row(report, "the library above the bare Pod", &library.above(&bare), 0);
    report.plot(
        "print('hello') in a cluster, median",
        &[("google-adk", &adk), ("a bare Pod", &bare), ("cofferdam run", &process), ("library, warm", &warm)],
    );

    let AtOnce { adk, processes, pod_processes, library, left_by_adk, left_by_us } =
        stage.at_once(AT_ONCE, ROUNDS_AT_ONCE)?;
    let warm = stage.warm(WARM_AT_ONCE, ROUNDS_AT_ONCE)?;
    let bare = stage.bare_at_once(AT_ONCE, ROUNDS_AT_ONCE)?;
    report.table(&[&format!("{AT_ONCE} at once, until the last has its result"), "median", "min", "max", "rounds"]);
    row(report, "google-adk", &adk, 0);
    row(report, "processes of `cofferdam run`", &processes, 0);
    row(report, "the same with `--workload pod`", &pod_processes, 0);
    row(report, "calls of the library in one process", &library, 0);
    row(report, &format!("{WARM_AT_ONCE} calls of the library in sandboxes that wait"), &warm, 0);
    row(report, "bare Pods, until the last is seen to have ended", &bare, 0);
    row(report, "**ratio** of google-adk to the processes", &adk.ratio(&processes), 2);
    row(report, "**ratio** of google-adk to those with `--workload pod`", &adk.ratio(&pod_processes), 2);
    row(report, "**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    row(report, &format!("**ratio** of google-adk to {WARM_AT_ONCE} sandboxes that wait"), &adk.ratio(&warm), 1);
    report.table(&["left 5 s after that", "google-adk", "`cofferdam run`"]);
    report.line(&format!("| Jobs, Pods and ConfigMaps | {left_by_adk} | {left_by_us} |"));
    Ok(())
}

/// Programs that come in each of the ways of ComputeSDK's benchmark.
fn interactive(report: &mut Report, stage: &Stage) -> Result<(), Failure> {
    report.table(&["time to interactive", "median", "95 %", "99 %", "programs"]);
    for mode in Mode::ALL {
        let [adk, cold, warm] = stage.interactive(mode, WARM_AT_ONCE)?;
        for (who, figures) in [("google-adk", &adk), ("the library, cold", &cold), ("warm", &warm)] {
            report.line(&format!("| {}: {who} | {} |", mode.name(), figures.tail(0)));
        }
    }
    Ok(())
}

fn counts(report: &mut Report, stage: &Stage) -> Result<(), Failure> {
    let Requests { adk, process, pod_process, library } = stage.requests()?;
    report.table(&["requests to the API server for a run", ""]);
    for (who, requests) in [
        ("google-adk", adk),
        ("`cofferdam run`", process),
        ("`cofferdam run --workload pod`", pod_process),
        ("the library, whose watch is there already", library),
    ] {
        report.line(&format!("| {who} | {requests} |"));
    }
    Ok(())
}

fn row(report: &mut Report, what: &str, figures: &Figures, decimals: usize) {
    report.line(&format!("| {what} | {} |", figures.span(decimals)));
}
