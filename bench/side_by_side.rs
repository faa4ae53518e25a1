//! `make bench`: measurements side by side, in one run, as a table.

use cofferdam::{config::Settings, sandbox::local::Local};
use cofferdam_bench::{bare, figures::Figures, hop, http, many, warm};
use cofferdam_tests::program::{Place, root};
use std::{error::Error, thread};

const ROUNDS: usize = 40;
const AT_ONCE: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::new();
    let local = Local::new(&Settings::default())?;
    let runsc = local.runsc();
    let processors = thread::available_parallelism()?;
    println!("{processors} processors; times in milliseconds; ratios are taken round by round\n");
    println!("| what | median | 99 % | rounds |\n|---|---|---|---|");
    let row = |what: &str, figures: &Figures, decimals| println!("| {what} | {} |", figures.columns(decimals));

    let (ours, theirs) = bare::compare(&place, runsc, ROUNDS)?;
    row("`cofferdam run` of `print(6*7)`, cold, from start to end", &ours, 0);
    row("bare `runsc run` of the same bundle", &theirs, 0);
    row("**ratio**", &ours.ratio(&theirs), 2);
    row("`cofferdam serve` answers it from a sandbox that waits", &warm::measure(&place, 4 * ROUNDS)?, 1);
    row("from the start of `cofferdam run` to that of runsc", &bare::until_runsc(&place, ROUNDS)?, 1);
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = hop::measure(output, 1000)?;
        row(&format!("a call through the component that returns {name}, no sandbox"), &through, 3);
        row("the same call without the component", &direct, 3);
    }
    let component = root().join("target/components/code-executor-http.wasm");
    for (name, output) in [("3 bytes", 3), ("1 MiB", 1 << 20)] {
        let (through, direct) = http::measure(&component, output, 300)?;
        row(&format!("a call of the composed component over HTTP that returns {name}, no sandbox"), &through, 3);
        row("**above** the same call without component and HTTP", &through.above(&direct), 3);
    }
    let mut all = Figures::default();
    all.push(many::at_once(&place, AT_ONCE)?);
    println!("| {AT_ONCE} cold runs at once, until the last is done | {:.0} | | 1 |", all.percentile(50));
    let (own, sandbox) = many::memory(&place, AT_ONCE)?;
    let mib = |bytes: u64| bytes / (1 << 20);
    println!(
        "\nA run that waits holds {} MiB in `cofferdam` and {} MiB in its sandbox ({AT_ONCE} at once; what is shared is \
         divided).",
        mib(own),
        mib(sandbox)
    );
    let idle = mib(http::idle_memory(&place)?);
    println!("\n`cofferdam serve` that has run a program and waits for the next has {idle} MiB in memory.");
    Ok(())
}
