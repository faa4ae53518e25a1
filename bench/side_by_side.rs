//! `make bench`: measurements on this machine, side by side, in one run.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{
    bare,
    figures::Figures,
    hop, http, imports,
    interactive::{Failure, Mode},
    machine, many,
    report::Report,
    warm,
};
use cofferdam_tests::program::{Place, root};
use std::path::Path;

const ROUNDS: usize = 40;
const AT_ONCE: usize = 20;
const IMPORTS: usize = 10;
/// Programs of each mode.
const INTERACTIVE: u32 = 20;

fn main() -> Result<(), Failure> {
    let place = Place::new();
    let local = LocalBackend::new(&Settings::default().local())?;
    let mut report = Report::new("local");
    report.line(&format!(
        "{}. Times in milliseconds; ratios are taken round by round.",
        machine::describe(local.runsc())
    ));
    runs(&mut report, &place, local.runsc())?;
    interactive(&mut report, &place, local.runsc())?;
    ways(&mut report)?;
    report.write()?;
    Ok(())
}

/// One run after another, and many at once.
fn runs(report: &mut Report, place: &Place, runsc: &Path) -> Result<(), Failure> {
    report.table(&["what", "median", "99 %", "rounds"]);
    let (ours, theirs) = bare::compare(place, runsc, ROUNDS)?;
    let warm = warm::measure(place, 12 * ROUNDS)?;
    row(report, "`cofferdam run` of `print(6*7)`, cold, from start to end", &ours, 0);
    row(report, "bare `runsc run` of the same bundle", &theirs, 0);
    row(report, "**ratio**", &ours.ratio(&theirs), 2);
    row(report, "`cofferdam serve` answers it from a sandbox that waits", &warm, 1);
    row(report, "**ratio** of the bare run to that", &theirs.ratio(&warm), 1);
    let imports = imports::compare(place, runsc, IMPORTS)?;
    row(report, "bare `runsc run` of a program that imports pandas", &imports.bare, 0);
    row(report, "`cofferdam serve` answers it from a sandbox that waits", &imports.warm, 0);
    row(report, "the same with `imports_ahead = [\"pandas\"]`", &imports.imported, 0);
    row(report, "**ratio** of the bare run to that", &imports.bare.ratio(&imports.imported), 1);
    row(report, "from the start of `cofferdam run` to that of runsc", &bare::until_runsc(place, ROUNDS)?, 1);
    let mut all = Figures::default();
    all.push(many::at_once(place, AT_ONCE)?);
    report.line(&format!("| {AT_ONCE} cold runs at once, until the last is done | {:.0} | | 1 |", all.percentile(50)));
    report.plot(
        "print(6*7), median",
        &[("cofferdam run, cold", &ours), ("bare runsc", &theirs), ("cofferdam serve, warm", &warm)],
    );
    let (own, sandbox) = many::memory(place, AT_ONCE)?;
    let idle = mib(http::idle_memory(place)?);
    report.line(&format!(
        "\nA run that goes on holds {} MiB in `cofferdam` and {} MiB in its sandbox ({AT_ONCE} at once; what is shared is \
         divided). A sandbox that waits holds {} MiB. `cofferdam serve` that has run a program and waits for the next holds \
         {idle} MiB.",
        mib(own),
        mib(sandbox),
        mib(many::memory_of_waiting(place, INTERACTIVE)?)
    ));
    Ok(())
}

/// Programs that come in each of the ways of ComputeSDK's benchmark.
fn interactive(report: &mut Report, place: &Place, runsc: &Path) -> Result<(), Failure> {
    report.table(&["time to interactive", "median", "95 %", "99 %", "programs"]);
    for mode in Mode::ALL {
        let name = mode.name();
        let bare = bare::interactive(place, runsc, mode, INTERACTIVE)?;
        let cold = warm::interactive(place, mode, INTERACTIVE, false)?;
        let warm = warm::interactive(place, mode, INTERACTIVE, true)?;
        for (who, figures) in [("bare `runsc run`", &bare), ("`cofferdam serve`, cold", &cold), ("warm", &warm)] {
            report.line(&format!("| {name}: {who} | {} |", figures.tail(1)));
        }
    }
    Ok(())
}

/// What the ways to a sandbox cost, without one.
fn ways(report: &mut Report) -> Result<(), Failure> {
    report.table(&["what, without a sandbox", "median", "99 %", "rounds"]);
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = hop::measure(output, 1000)?;
        row(report, &format!("a call through the component that returns {name}"), &through, 3);
        row(report, "the same call without the component", &direct, 3);
    }
    let component = root().join("target/components/code-executor-http.wasm");
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = http::measure(&component, output, 300)?;
        row(report, &format!("a call of the composed component over HTTP that returns {name}"), &through, 3);
        row(report, "**above** the same call without component and HTTP", &through.above(&direct), 3);
    }
    Ok(())
}

fn row(report: &mut Report, what: &str, figures: &Figures, decimals: usize) {
    report.line(&format!("| {what} | {} |", figures.columns(decimals)));
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}
