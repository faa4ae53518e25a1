//! Takes every right from the process that it does not need, before it reads a byte of an archive.

use super::job::Job;
use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::{
    process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit},
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};
use std::{fs, io, os::fd::RawFd};

/// The version of Landlock whose rights are taken, as far as the kernel has them.
const LANDLOCK: ABI = ABI::V6;
/// Files of which this program knows: the standard streams.
const LAST_STREAM: RawFd = 2;

/// Confines this process: what it has open stays open.
pub(super) fn confine(job: &Job) -> io::Result<()> {
    // The kernel ends this process, and not the one that waits for it, when memory is short.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    restrict_paths()?;
    set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    for (resource, limit) in [
        (Resource::As, job.memory()),
        (Resource::Fsize, job.limits.bytes),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        // No file, no socket, no pipe: whatever is opened needs a number below this.
        (Resource::Nofile, 0),
    ] {
        lower(resource, limit)?;
    }
    // At the soft limit the signal says why; at the hard one it is SIGKILL.
    let seconds = job.cpu_seconds();
    lower(Resource::Cpu, seconds + 1)?;
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), ..getrlimit(Resource::Cpu) })?;
    // Last: a change of the capabilities may undo it.
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Closes what the program that started the other process has left open in it.
pub(super) fn close_inherited_files() -> io::Result<()> {
    let open: Vec<RawFd> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|file| *file > LAST_STREAM)
        .collect();
    for file in open {
        // The folder itself was among them, and is closed.
        let _ = nix::unistd::close(file);
    }
    Ok(())
}

/// Neither paths nor other processes of this user can be reached, where the kernel has Landlock: without it
/// they cannot be opened either, but a path could be removed, or a process be traced.
fn restrict_paths() -> io::Result<()> {
    let restricted = || -> Result<_, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .restrict_self()
    };
    restricted().map(drop).map_err(io::Error::other)
}

/// Lowers a limit for good. One that is lower already stays.
fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let current = getrlimit(resource);
    let lowest = |current: Option<u64>| Some(current.map_or(limit, |current| current.min(limit)));
    let limit = Rlimit { current: lowest(current.current), maximum: lowest(current.maximum) };
    Ok(setrlimit(resource, limit)?)
}
