//! `make bench`: sessions beside bare `runsc exec` and gVisor's own Python package, and those of a cluster.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{
    interactive::Failure,
    machine,
    report::Report,
    samples::Samples,
    sessions::{
        AtOnce, BothWays, Cluster, ClusterSpeed, Commands, Creation, FILE_MEGABYTES, Growth, Transfers,
        at_once, commands, creation, growth, transfers,
    },
};
use std::path::Path;

const ROUNDS: usize = 40;
const COMMAND_ROUNDS: usize = 200;
const TRANSFERS: usize = 20;
/// Sandboxes that are created at once.
const AT_ONCE: u32 = 100;
/// What is done in the session whose memory is measured.
const WORK: (u32, usize) = (1000, 1 << 30);
const CLUSTER_ROUNDS: usize = 5;
const CLUSTER_AT_ONCE: u32 = 20;

fn main() -> Result<(), Failure> {
    let local = LocalBackend::new(&Settings::default().local())?;
    let mut report = Report::new("sessions");
    report
        .line(&format!("{}. Times in milliseconds; ratios are per round.", machine::describe(local.runsc())));
    creations(&mut report, local.runsc())?;
    all_commands(&mut report, local.runsc())?;
    files(&mut report, local.runsc())?;
    memory(&mut report, local.runsc())?;
    many(&mut report, local.runsc())?;
    report.write()?;
    match Cluster::new()? {
        Some(cluster) => {
            let measured = in_cluster(&cluster);
            measured.and(cluster.delete())
        }
        None => {
            println!("sessions in a cluster are not measured: KUBECONFIG is not set");
            Ok(())
        }
    }
}

fn creations(report: &mut Report, runsc: &Path) -> Result<(), Failure> {
    let Creation { warm, cold, bare, package } = creation(runsc, ROUNDS)?;
    table(report, "from the request to the end of the first command, `true`");
    row(report, "session, prewarmed sandbox", &warm, 1);
    row(report, "session, new sandbox", &cold, 1);
    row(report, "bare `runsc run --detach` and `runsc exec`", &bare, 1);
    row(report, "gVisor's package: `Sandbox()` and `Sandbox.exec`", &package, 1);
    row(report, "**ratio** of bare runsc to the prewarmed session", &bare.ratio(&warm), 1);
    row(report, "**ratio** of gVisor's package to the prewarmed session", &package.ratio(&warm), 1);
    report.plot(
        "a new sandbox and true in it, median",
        &[("session, warm", &warm), ("session, cold", &cold), ("bare runsc", &bare), ("package", &package)],
    );
    Ok(())
}

fn all_commands(report: &mut Report, runsc: &Path) -> Result<(), Failure> {
    let Commands { session, fork, spawn, bare, package } = commands(runsc, COMMAND_ROUNDS)?;
    table(report, "command `true` in a sandbox that is kept");
    row(report, "session", &session, 1);
    row(report, "fork and exec by a Python program in the session", &fork, 1);
    row(report, "`posix_spawn` by a Python program in the session", &spawn, 1);
    row(report, "bare `runsc exec`", &bare, 1);
    row(report, "gVisor's package: `Sandbox.exec`", &package, 1);
    row(report, "**ratio** of the session to fork and exec in it", &session.ratio(&fork), 2);
    row(report, "**ratio** of the session to `posix_spawn` in it", &session.ratio(&spawn), 2);
    row(report, "**ratio** of bare `runsc exec` to the session", &bare.ratio(&session), 1);
    row(report, "**ratio** of gVisor's package to the session", &package.ratio(&session), 1);
    report.plot(
        "true in a sandbox that is kept, median",
        &[("session", &session), ("fork, exec", &fork), ("runsc exec", &bare), ("package", &package)],
    );
    Ok(())
}

fn files(report: &mut Report, runsc: &Path) -> Result<(), Failure> {
    let Transfers { session_writes, session_reads, bare_writes, bare_reads, package_reads } =
        transfers(runsc, TRANSFERS)?;
    transfer_table(report, "a file of 64 MiB");
    transfer_row(report, "written to a session", &session_writes);
    transfer_row(report, "written with bare `runsc exec` of `dd`", &bare_writes);
    transfer_row(report, "read from a session", &session_reads);
    transfer_row(report, "read with bare `runsc exec` of `cat`", &bare_reads);
    transfer_row(report, "read with gVisor's package: `Sandbox.exec` of `cat`", &package_reads);
    Ok(())
}

fn memory(report: &mut Report, runsc: &Path) -> Result<(), Failure> {
    let [session, sidecar, bare] = growth(runsc, WORK.0, WORK.1)?;
    report.table(&[
        "memory of an idle sandbox, MiB",
        "fresh",
        "after 1,000 commands and 1 GiB",
        "difference",
    ]);
    for (name, Growth { before, after }) in
        [("session", session), ("its sidecar", sidecar), ("bare `runsc run`", bare)]
    {
        let [before, after] = [before, after].map(mib);
        report.line(&format!("| {name} | {before:.1} | {after:.1} | {:.1} |", after - before));
    }
    Ok(())
}

fn many(report: &mut Report, runsc: &Path) -> Result<(), Failure> {
    let AtOnce { warm, cold, bare, package } = at_once(runsc, AT_ONCE)?;
    at_once_table(report, &format!("{AT_ONCE} at once, to the end of the first command, `true`"));
    at_once_row(report, "sessions, prewarmed sandboxes", &warm);
    at_once_row(report, "sessions, new sandboxes", &cold);
    at_once_row(report, "bare `runsc run --detach` and `runsc exec`", &bare);
    at_once_row(report, "gVisor's package: `Sandbox()` and `Sandbox.exec`", &package);
    Ok(())
}

fn in_cluster(cluster: &Cluster) -> Result<(), Failure> {
    let mut report = Report::new("sessions-cluster");
    report.line("Times in milliseconds.");
    let ClusterSpeed { writes, reads } = cluster.speed(CLUSTER_ROUNDS)?;
    transfer_table(&mut report, "a file of 64 MiB in a cluster");
    transfer_row(&mut report, "written to a session", &writes);
    transfer_row(&mut report, "read from a session", &reads);
    let one = cluster.both_ways(1, CLUSTER_ROUNDS)?;
    let many = cluster.both_ways(CLUSTER_AT_ONCE, 1)?;
    at_once_table(&mut report, "64 MiB to a prewarmed sandbox, and printed by a program in it");
    for (number, BothWays { session, execution }) in [("one", one), ("20 at once", many)] {
        at_once_row(&mut report, &format!("{number}: session, over the relay"), &session);
        at_once_row(
            &mut report,
            &format!("{number}: execution without one, over an attached connection"),
            &execution,
        );
    }
    report.write()?;
    Ok(())
}

fn table(report: &mut Report, name: &str) {
    report.table(&[name, "median", "95 %", "99 %", "rounds"]);
}

fn row(report: &mut Report, name: &str, samples: &Samples, decimals: usize) {
    report.line(&format!("| {name} | {} |", samples.percentiles(decimals)));
}

fn transfer_table(report: &mut Report, name: &str) {
    report.table(&[name, "median", "95 %", "99 %", "rounds", "MB/s, median"]);
}

fn transfer_row(report: &mut Report, name: &str, samples: &Samples) {
    let megabytes_per_second = FILE_MEGABYTES * 1000.0 / samples.percentile(50);
    report.line(&format!("| {name} | {} | {megabytes_per_second:.0} |", samples.percentiles(0)));
}

fn at_once_table(report: &mut Report, name: &str) {
    report.table(&[name, "median", "95 %", "99 %", "number", "the last"]);
}

fn at_once_row(report: &mut Report, name: &str, samples: &Samples) {
    report.line(&format!("| {name} | {} | {:.0} |", samples.percentiles(0), samples.percentile(100)));
}

fn mib(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}
