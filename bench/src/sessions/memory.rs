//! Memory of an idle sandbox, before and after much was done in it.

use super::{FILE_SIZE, bare::BareBundle, kept::KeptSandbox, sidecar::SessionSidecar};
use crate::{
    concurrency::{resident, sandbox_processes},
    interactive::Failure,
};
use cofferdam_tests::program::TestDir;
use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path, thread, time::Duration};

/// Delay in which gVisor gives freed memory back.
const SETTLE_DELAY: Duration = Duration::from_secs(5);
/// Unit of the number of blocks of a file, in bytes.
const BLOCK: u64 = 512;

/// Bytes of memory before and after.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// Of a fresh one.
    pub before: u64,
    /// After the work.
    pub after: u64,
}

/// Memory of an idle session in its sandbox, of its sidecar, and of an idle bare sandbox: fresh, and after this many
/// commands and bytes. Half of the bytes are written and half are read.
///
/// # Errors
///
/// A command or a file fails.
pub fn growth(runsc: &Path, commands: u32, bytes: usize) -> Result<[Growth; 3], Failure> {
    let sidecar = SessionSidecar::start(0)?;
    let session = sidecar.create_blocking()?;
    let [in_sandbox, in_sidecar] = around(
        || Ok([sandbox_memory(&sidecar.dir)?, resident(sidecar.pid())?]),
        || work(&session, commands, bytes),
    )?;
    sidecar.end()?;
    let dir = TestDir::new();
    let bare = BareBundle::new(&dir, runsc)?.start(0)?;
    let [in_bare] = around(|| Ok([sandbox_memory(&dir)?]), || work(&bare, commands, bytes))?;
    Ok([in_sandbox, in_sidecar, in_bare])
}

fn around<const N: usize>(
    memory: impl Fn() -> Result<[u64; N], Failure>,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<[Growth; N], Failure> {
    thread::sleep(SETTLE_DELAY);
    let before = memory()?;
    work()?;
    thread::sleep(SETTLE_DELAY);
    let after = memory()?;
    Ok(std::array::from_fn(|index| Growth { before: before[index], after: after[index] }))
}

fn work(sandbox: &impl KeptSandbox, commands: u32, bytes: usize) -> Result<(), Failure> {
    for _ in 0..bytes / FILE_SIZE / 2 {
        sandbox.write()?;
        sandbox.read()?;
    }
    sandbox.remove()?;
    for _ in 0..commands {
        sandbox.command()?;
    }
    Ok(())
}

/// Memory in bytes of the sandboxes below the state folder: that of their processes, shared pages counted once, and the
/// files in memory that hold the memory of their programs.
fn sandbox_memory(dir: &TestDir) -> Result<u64, Failure> {
    let (mut own, mut files) = (0, BTreeMap::new());
    for pid in sandbox_processes(dir)? {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        own += ["Pss_Anon:", "Pss_File:"].iter().map(|name| kibibytes(&rollup, name)).sum::<u64>() << 10;
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
            let is_in_memory =
                fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("/memfd:"));
            if is_in_memory && let Ok(file) = fs::metadata(entry.path()) {
                files.insert((file.dev(), file.ino()), file.blocks() * BLOCK);
            }
        }
    }
    Ok(own + files.values().sum::<u64>())
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
