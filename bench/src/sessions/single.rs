//! One session at a time: its creation, commands and files.

use super::{
    bare::BareBundle,
    inside::{self, Start},
    kept::{KeptSandbox, time},
    package::Package,
    sidecar::SessionSidecar,
    turns::by_turns,
};
use crate::{interactive::Failure, samples::Samples};
use cofferdam_tests::program::TestDir;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Durations from the request for a sandbox that is kept to the end of `true` in it.
pub struct Creation {
    /// A session in a prewarmed sandbox.
    pub warm: Samples,
    /// A session in a new sandbox.
    pub cold: Samples,
    /// `runsc run --detach` and `runsc exec`.
    pub bare: Samples,
    /// `Sandbox()` and `Sandbox.exec` of gVisor's own package.
    pub package: Samples,
}

/// Durations of `true` in a sandbox that is kept.
pub struct Commands {
    /// In a session.
    pub session: Samples,
    /// A fork and exec by a program in the same session.
    pub fork: Samples,
    /// A `posix_spawn` by a program in the same session.
    pub spawn: Samples,
    /// `runsc exec`.
    pub bare: Samples,
    /// `Sandbox.exec` of gVisor's own package.
    pub package: Samples,
}

/// Durations of a file of [`FILE_SIZE`](super::FILE_SIZE) bytes.
pub struct Transfers {
    /// Writes in a session.
    pub session_writes: Samples,
    /// Reads in a session.
    pub session_reads: Samples,
    /// Writes by `runsc exec` of `dd`.
    pub bare_writes: Samples,
    /// Reads by `runsc exec` of `cat`.
    pub bare_reads: Samples,
    /// Reads by `Sandbox.exec` of `cat` with gVisor's own package, which cannot write.
    pub package_reads: Samples,
}

/// Creations by turns.
///
/// # Errors
///
/// A sandbox does not start, or is not of the expected kind.
pub fn creation(runsc: &Path, rounds: usize) -> Result<Creation, Failure> {
    let (mut pooled, cold, dir) = (SessionSidecar::start(1)?, SessionSidecar::start(0)?, TestDir::new());
    let bundle = BareBundle::new(&dir, runsc)?;
    let mut package = Package::start(&dir, runsc)?;
    let mut number = 0..;
    let [warm, cold_times, bare, package_times] = by_turns(
        [
            Box::new(|| {
                let time = created(&pooled)?;
                pooled.fill(1);
                Ok(time)
            }),
            Box::new(|| created(&cold)),
            Box::new(|| {
                let start = Instant::now();
                let sandbox = bundle.start(number.next().unwrap_or_default())?;
                sandbox.command()?;
                Ok(start.elapsed())
            }),
            Box::new(|| package.time("create 1")),
        ],
        rounds,
    )?;
    pooled.end()?;
    cold.end()?;
    Ok(Creation { warm, cold: cold_times, bare, package: package_times })
}

/// Duration from the request for a session to the end of its first command; then closes it.
fn created(sidecar: &SessionSidecar) -> Result<Duration, Failure> {
    let start = Instant::now();
    let session = sidecar.create_blocking()?;
    session.command()?;
    let time = start.elapsed();
    session.close_blocking()?;
    Ok(time)
}

/// Commands by turns.
///
/// # Errors
///
/// A command fails.
pub fn commands(runsc: &Path, rounds: usize) -> Result<Commands, Failure> {
    let (sidecar, dir) = (SessionSidecar::start(0)?, TestDir::new());
    let session = sidecar.create_blocking()?;
    let bare = BareBundle::new(&dir, runsc)?.start(0)?;
    let mut package = Package::start(&dir, runsc)?;
    let [session, fork, spawn, bare, package] = by_turns(
        [
            Box::new(|| time(|| session.command())),
            Box::new(|| inside::time(&session, Start::Fork)),
            Box::new(|| inside::time(&session, Start::Spawn)),
            Box::new(|| time(|| bare.command())),
            Box::new(|| package.time("true")),
        ],
        rounds,
    )?;
    sidecar.end()?;
    Ok(Commands { session, fork, spawn, bare, package })
}

/// Writes and reads by turns.
///
/// # Errors
///
/// A file cannot be written or read.
pub fn transfers(runsc: &Path, rounds: usize) -> Result<Transfers, Failure> {
    let (sidecar, dir) = (SessionSidecar::start(0)?, TestDir::new());
    let session = sidecar.create_blocking()?;
    let bare = BareBundle::new(&dir, runsc)?.start(0)?;
    let mut package = Package::start(&dir, runsc)?;
    // What is read in the first round.
    session.write()?;
    bare.write()?;
    let [session_writes, session_reads, bare_writes, bare_reads, package_reads] = by_turns(
        [
            Box::new(|| time(|| session.write())),
            Box::new(|| time(|| session.read())),
            Box::new(|| time(|| bare.write())),
            Box::new(|| time(|| bare.read())),
            Box::new(|| package.time("read")),
        ],
        rounds,
    )?;
    sidecar.end()?;
    Ok(Transfers { session_writes, session_reads, bare_writes, bare_reads, package_reads })
}
