//! `make bench`: the Kubernetes backend beside google-adk's `GkeCodeExecutor`, on one cluster in one run, as a table.

use cofferdam_bench::{
    figures::Figures,
    kubernetes::{AtOnce, Requests, Sequential, Stage},
};
use cofferdam_tests::conformance::Failure;
use std::fmt::Display;

const ROUNDS: usize = 10;
const AT_ONCE: u32 = 10;
const ROUNDS_AT_ONCE: usize = 3;

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
    println!("Times in milliseconds; ratios and differences are taken round by round\n");
    println!("| what | median | min | max | rounds |\n|---|---|---|---|---|");
    let row = |what: &str, figures: &Figures, decimals| println!("| {what} | {} |", figures.span(decimals));

    let Sequential { adk, process, library, bare } = stage.sequential(ROUNDS)?;
    row("google-adk's `GkeCodeExecutor`, to the result", &adk, 0);
    row("`cofferdam run`, from start to end", &process, 0);
    row("Cofferdam as a library, through the component", &library, 0);
    row("a bare Pod, from POST until its container is seen to have ended", &bare, 0);
    row("**ratio** of google-adk to `cofferdam run`", &adk.ratio(&process), 2);
    row("**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    row("google-adk above the bare Pod", &adk.above(&bare), 0);
    row("`cofferdam run` above the bare Pod", &process.above(&bare), 0);
    row("the library above the bare Pod", &library.above(&bare), 0);
    let warm = stage.warm(1, ROUNDS)?;
    row("the library in a sandbox that waits", &warm, 0);
    row("**ratio** of google-adk to that", &adk.ratio(&warm), 1);

    let AtOnce { adk, processes, pod_processes, library, left_by_adk, left_by_us } =
        stage.at_once(AT_ONCE, ROUNDS_AT_ONCE)?;
    row(&format!("{AT_ONCE} at once, until the last has its result: google-adk"), &adk, 0);
    row(&format!("{AT_ONCE} processes of `cofferdam run`"), &processes, 0);
    row("the same with `--workload pod`", &pod_processes, 0);
    row(&format!("{AT_ONCE} calls of the library in one process"), &library, 0);
    row("**ratio** of google-adk to the processes", &adk.ratio(&processes), 2);
    row("**ratio** of google-adk to those with `--workload pod`", &adk.ratio(&pod_processes), 2);
    row("**ratio** of google-adk to the library", &adk.ratio(&library), 2);
    let warm = stage.warm(AT_ONCE, ROUNDS_AT_ONCE)?;
    row(&format!("{AT_ONCE} calls of the library in sandboxes that wait"), &warm, 0);
    row("**ratio** of google-adk to these", &adk.ratio(&warm), 1);
    let bare = stage.bare_at_once(AT_ONCE, ROUNDS_AT_ONCE)?;
    row(&format!("{AT_ONCE} bare Pods at once, until the last is seen to have ended"), &bare, 0);

    let counted = |what: &str, count: &dyn Display| println!("| {what} | {count} | | | 1 |");
    counted(&format!("left 5 s after {AT_ONCE} at once: by google-adk"), &left_by_adk);
    counted("by `cofferdam run`", &left_by_us);
    let Requests { adk, process, pod_process, library } = stage.requests()?;
    counted("requests to the API server for a run: google-adk", &adk);
    counted("`cofferdam run`", &process);
    counted("`cofferdam run --workload pod`", &pod_process);
    counted("the library, whose watch is there already", &library);
    Ok(())
}
