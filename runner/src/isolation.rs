//! The sandbox boundary: gVisor around the sandbox, and user, network, PID, mount, IPC and UTS namespaces
//! around the program.
//!
//! gVisor lets an unprivileged process unshare them; runc's default seccomp profile does not. The program's
//! network namespace has a loopback interface only, whatever network the sandbox has.

use crate::error::{Context, Error};
use nix::sched::{CloneFlags, unshare};
use rustix::{
    process::{DumpableBehavior, getgid, getuid, set_dumpable_behavior},
    thread::{CapabilitySet, CapabilitySets},
};
use std::fs;

/// `uname -v` of older gVisor releases, whose `uname -r` does not name gVisor.
/// Source: gVisor, `pkg/sentry/kernel/version`.
const GVISOR_VERSION: &str = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

/// The network of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// A new network namespace with a loopback interface only.
    Loopback,
    /// The network namespace of the sandbox.
    Sandbox,
}

/// Fails outside gVisor.
pub(crate) fn require_gvisor() -> Result<(), Error> {
    let kernel = rustix::system::uname();
    let release = kernel.release().to_string_lossy();
    if release.ends_with("-gvisor") || kernel.version().to_bytes() == GVISOR_VERSION.as_bytes() {
        return Ok(());
    }
    Err(Error::NotGvisor)
}

/// Moves this process into new namespaces, in which its user and group are the only ones. The PID namespace
/// applies to its children; the first child becomes the init of that namespace.
pub(crate) fn enter_namespaces(network: Network) -> Result<(), Error> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let network_flag = match network {
        Network::Loopback => CloneFlags::CLONE_NEWNET,
        Network::Sandbox => CloneFlags::empty(),
    };
    unshare(
        network_flag
            | CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS,
    )
    .context("create the program's namespaces")?;
    map_user(uid, gid)
}

/// Moves this process into a user namespace of its own, with the same user and group. A process of another execution
/// can then neither trace it nor open its descriptors through /proc: both need the same user namespace.
pub(crate) fn enter_user_namespace() -> Result<(), Error> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).context("create the user namespace of an execution")?;
    map_user(uid, gid)
}

/// Maps the only user and group of a new user namespace.
fn map_user(uid: u32, gid: u32) -> Result<(), Error> {
    // Older gVisor releases have no such file and do not require it.
    let _ = fs::write("/proc/self/setgroups", "deny");
    for (map, line) in
        [("/proc/self/uid_map", format!("{uid} {uid} 1")), ("/proc/self/gid_map", format!("{gid} {gid} 1"))]
    {
        fs::write(map, line).context("map the user of the program's namespace")?;
    }
    Ok(())
}

/// Gives the next child the capability to mount. The program's process drops it with all others before it
/// starts.
pub(crate) fn let_child_mount() -> Result<(), Error> {
    let mut sets = rustix::thread::capabilities(None).context("read the capabilities")?;
    sets.inheritable = CapabilitySet::SYS_ADMIN;
    rustix::thread::set_capabilities(None, sets).context("make a capability inheritable")?;
    rustix::thread::configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
        .map_err(|_| Error::OldGvisor)
}

/// Keeps the programs that this process starts from tracing it and from opening its descriptors through /proc.
pub(crate) fn forbid_tracing() -> Result<(), Error> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("forbid tracing")
}

/// Drops every capability for good, so that the program has none and cannot gain one.
pub(crate) fn drop_privileges() -> Result<(), Error> {
    const STEP: &str = "drop the capabilities";
    rustix::thread::clear_ambient_capability_set().context(STEP)?;
    for capability in CapabilitySet::all().iter() {
        // A kernel cannot grant a capability that it does not know.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
    .context(STEP)?;
    rustix::thread::set_no_new_privs(true).context(STEP)
}
