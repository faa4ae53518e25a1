//! `make bench`: comparative measurements on this machine.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{
    bare, concurrency, hop, http, imports,
    interactive::{Failure, Mode},
    machine,
    report::Report,
    samples::Samples,
    warm,
};
use cofferdam_tests::program::{TestDir, root};
use std::path::Path;

const ROUNDS: usize = 40;
const CONCURRENCY: usize = 20;
const IMPORTS: usize = 10;
/// Runs of each mode.
const INTERACTIVE_RUNS: u32 = 20;

fn main() -> Result<(), Failure> {
    let dir = TestDir::new();
    let local = LocalBackend::new(&Settings::default().local())?;
    let mut report = Report::new("local");
    report
        .line(&format!("{}. Times in milliseconds; ratios are per round.", machine::describe(local.runsc())));
    runs(&mut report, &dir, local.runsc())?;
    interactive(&mut report, &dir, local.runsc())?;
    overheads(&mut report)?;
    report.write()?;
    Ok(())
}

/// Sequential and concurrent runs.
fn runs(report: &mut Report, dir: &TestDir, runsc: &Path) -> Result<(), Failure> {
    report.table(&["measurement", "median", "99 %", "rounds"]);
    let (cold, bare) = bare::compare(dir, runsc, ROUNDS)?;
    let warm = warm::measure(dir, 12 * ROUNDS)?;
    row(report, "`cofferdam run` of `print(6*7)`, cold", &cold, 0);
    row(report, "bare `runsc run` of the same bundle", &bare, 0);
    row(report, "**ratio**", &cold.ratio(&bare), 2);
    row(report, "`cofferdam serve`, prewarmed sandbox", &warm, 1);
    row(report, "**ratio** of the bare run to the prewarmed one", &bare.ratio(&warm), 1);
    let imports = imports::compare(dir, runsc, IMPORTS)?;
    row(report, "bare `runsc run` of a program that imports pandas", &imports.bare, 0);
    row(report, "`cofferdam serve`, prewarmed sandbox", &imports.warm, 0);
    row(
        report,
        "`cofferdam serve`, prewarmed sandbox, `preload_modules = [\"pandas\"]`",
        &imports.preloaded,
        0,
    );
    row(report, "**ratio** of the bare run to the prewarmed one", &imports.bare.ratio(&imports.preloaded), 1);
    row(
        report,
        "from the start of `cofferdam run` to the start of runsc",
        &bare::until_runsc(dir, ROUNDS)?,
        1,
    );
    let mut all = Samples::default();
    all.push(concurrency::duration(dir, CONCURRENCY)?);
    report.line(&format!(
        "| {CONCURRENCY} concurrent cold runs, until the last has ended | {:.0} | | 1 |",
        all.percentile(50)
    ));
    report.plot(
        "print(6*7), median",
        &[("cofferdam run, cold", &cold), ("bare runsc", &bare), ("cofferdam serve, warm", &warm)],
    );
    let (own, sandbox) = concurrency::memory(dir, CONCURRENCY)?;
    let idle = mib(http::idle_memory(dir)?);
    report.line(&format!(
        "\nMemory of a running program: {} MiB in `cofferdam` and {} MiB in its sandbox (proportional set size of {CONCURRENCY} \
         concurrent runs). Memory of a prewarmed sandbox: {} MiB. Memory of an idle `cofferdam serve` after one run: {idle} MiB.",
        mib(own),
        mib(sandbox),
        mib(concurrency::prewarmed_memory(dir, INTERACTIVE_RUNS)?)
    ));
    Ok(())
}

/// Time to interactive in the modes of ComputeSDK's benchmark.
fn interactive(report: &mut Report, dir: &TestDir, runsc: &Path) -> Result<(), Failure> {
    report.table(&["time to interactive", "median", "95 %", "99 %", "programs"]);
    for mode in Mode::ALL {
        let name = mode.name();
        let bare = bare::interactive(dir, runsc, mode, INTERACTIVE_RUNS)?;
        let cold = warm::interactive(dir, mode, INTERACTIVE_RUNS, false)?;
        let warm = warm::interactive(dir, mode, INTERACTIVE_RUNS, true)?;
        for (subject, samples) in
            [("bare `runsc run`", &bare), ("`cofferdam serve`, cold", &cold), ("warm", &warm)]
        {
            report.line(&format!("| {name}: {subject} | {} |", samples.percentiles(1)));
        }
    }
    Ok(())
}

/// Overhead of the component and of HTTP, without a sandbox.
fn overheads(report: &mut Report) -> Result<(), Failure> {
    report.table(&["measurement, without a sandbox", "median", "99 %", "rounds"]);
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = hop::measure(output, 1000)?;
        row(report, &format!("a call through the component that returns {name}"), &through, 3);
        row(report, "a direct call", &direct, 3);
    }
    let component = root().join("target/components/code-executor-http.wasm");
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = http::measure(&component, output, 300)?;
        row(report, &format!("a call of the composed component over HTTP that returns {name}"), &through, 3);
        row(report, "**difference** to a direct call", &through.difference(&direct), 3);
    }
    Ok(())
}

fn row(report: &mut Report, name: &str, samples: &Samples, decimals: usize) {
    report.line(&format!("| {name} | {} |", samples.columns(decimals)));
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}
