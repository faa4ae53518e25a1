//! `scripts/bench.sh --bench hosts`: the overhead of each host. Installs what `make hosts` installs.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{hosts, interactive::Failure, machine, report::Report};
use cofferdam_tests::program::TestDir;

const ROUNDS: usize = 100;

fn main() -> Result<(), Failure> {
    let dir = TestDir::new();
    let local = LocalBackend::new(&Settings::default().local())?;
    let (curl, hosts) = hosts::measure(&dir, ROUNDS)?;
    let mut report = Report::new("hosts");
    let machine = machine::describe(local.runsc());
    report.line(&format!("{machine}. Times in milliseconds; the difference is per round."));
    report.table(&["host", "median", "99 %", "rounds", "median difference to curl"]);
    report.line(&format!("| curl | {} | |", curl.columns(1)));
    for host in hosts {
        let difference = host.samples.difference(&curl).percentile(50);
        report.line(&format!("| {} | {} | {difference:.1} |", host.name, host.samples.columns(1)));
    }
    report.write()?;
    Ok(())
}
