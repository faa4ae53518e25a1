//! The programs of the test node, which restarts each of them after a SIGHUP: `tests/cluster/node.sh`.

use cofferdam_tests::{cluster::kubeconfig, conformance::Failure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{read_dir, read_link, read_to_string},
    io,
    path::Path,
};

/// The programs of the control plane and the node, by the first 15 bytes of their names, as in
/// `/proc/PID/comm`.
pub(crate) const PROGRAMS: [&str; 5] =
    ["containerd", "kubelet", "kube-apiserver", "kube-controller", "kube-scheduler"];

/// Whether the cluster is that of `make cluster-up`, whose programs may be restarted.
pub(crate) fn is_test_node() -> bool {
    first_process().is_ok()
}

/// Restarts one of the programs.
pub(crate) fn restart(program: &str) -> Result<(), Failure> {
    let node_namespace = namespace(&first_process()?)?;
    for entry in read_dir("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // The machine may have other programs of that name.
        let is_program = read_to_string(entry.path().join("comm"))
            .is_ok_and(|comm| comm.trim_end() == program)
            && namespace(&name).is_ok_and(|other| other == node_namespace);
        if let Some(pid) = name.parse().ok().and_then(Pid::from_raw).filter(|_| is_program) {
            kill_process(pid, Signal::HUP)?;
        }
    }
    Ok(())
}

fn first_process() -> io::Result<String> {
    let state = kubeconfig().as_deref().and_then(Path::parent).map(|folder| folder.join("pid"));
    let pid = read_to_string(state.unwrap_or_default())?;
    namespace(pid.trim_end())?;
    Ok(pid.trim_end().to_owned())
}

fn namespace(pid: &str) -> io::Result<std::path::PathBuf> {
    read_link(format!("/proc/{pid}/ns/pid"))
}
