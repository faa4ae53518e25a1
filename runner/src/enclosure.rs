//! The walls: gVisor around the sandbox, and a user, network, process and IPC namespace around the program.
//!
//! gVisor lets an unprivileged process unshare them, which runc's default seccomp profile does not. A network namespace
//! of the program's own is empty but for its loopback, whatever the sandbox's own network is.

use crate::error::{During, Error};
use nix::sched::{CloneFlags, unshare};
use rustix::{
    process::{getgid, getuid},
    thread::{CapabilitySet, CapabilitySets},
};
use std::fs;

/// What older releases of gVisor answer to `uname -v`, whose `uname -r` does not name it.
/// Source: gVisor, `pkg/sentry/kernel/version`.
const GVISOR_VERSION: &str = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

/// Whose network the program is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Its own, with nothing but a loopback.
    Own,
    /// The sandbox's.
    Sandbox,
}

/// Refuses to go on outside gVisor.
pub(crate) fn require_gvisor() -> Result<(), Error> {
    let kernel = rustix::system::uname();
    let release = kernel.release().to_string_lossy();
    if release.ends_with("-gvisor") || kernel.version().to_bytes() == GVISOR_VERSION.as_bytes() {
        return Ok(());
    }
    Err(Error::NotGvisor)
}

/// Moves this process into namespaces of its own, with its own user and group as the only ones that exist. The process
/// namespace is that of the children from here on; the first one is its init.
pub(crate) fn enter(network: Network) -> Result<(), Error> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let of_network = match network {
        Network::Own => CloneFlags::CLONE_NEWNET,
        Network::Sandbox => CloneFlags::empty(),
    };
    unshare(
        of_network
            | CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS,
    )
    .during("enter namespaces of the program's own")?;
    // Older releases of gVisor have no such file, and do not ask for it.
    let _ = fs::write("/proc/self/setgroups", "deny");
    for (map, line) in
        [("/proc/self/uid_map", format!("{uid} {uid} 1")), ("/proc/self/gid_map", format!("{gid} {gid} 1"))]
    {
        fs::write(map, line).during("map the user of the program's namespace")?;
    }
    Ok(())
}

/// Hands the right to mount to the next child, which gives up all others when it starts.
pub(crate) fn let_child_mount() -> Result<(), Error> {
    let mut own = rustix::thread::capabilities(None).during("read the capabilities")?;
    own.inheritable = CapabilitySet::SYS_ADMIN;
    rustix::thread::set_capabilities(None, own).during("hand on a capability")?;
    rustix::thread::configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true).map_err(|_| Error::OldGvisor)
}

/// Gives up every capability for good, so that the program starts with none and cannot gain one.
pub(crate) fn drop_privileges() -> Result<(), Error> {
    const STEP: &str = "give up the capabilities";
    rustix::thread::clear_ambient_capability_set().during(STEP)?;
    for capability in CapabilitySet::all().iter() {
        // A kernel that does not know a capability cannot grant it.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .during(STEP)?;
    rustix::thread::set_no_new_privs(true).during(STEP)
}
