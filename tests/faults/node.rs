//! The node's own programs, each of which is started again when it is hung up: `tests/cluster/node.sh`.

use cofferdam_tests::{cluster::kubeconfig, conformance::Failure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{read_dir, read_link, read_to_string},
    io,
    path::Path,
};

/// Those without which there is no cluster, by the names that the kernel keeps of them.
pub(crate) const PROGRAMS: [&str; 5] = ["containerd", "kubelet", "kube-apiserver", "kube-controller", "kube-scheduler"];

/// Whether the cluster is one whose programs may be ended.
pub(crate) fn is_ours() -> bool {
    first_process().is_ok()
}

/// Has one of them end and begin again.
pub(crate) fn restart(program: &str) -> Result<(), Failure> {
    let place = namespace(&first_process()?)?;
    for entry in read_dir("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // Others of that name are not in the node's namespace.
        let is_it = read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim_end() == program)
            && namespace(&name).is_ok_and(|other| other == place);
        if let Some(pid) = name.parse().ok().and_then(Pid::from_raw).filter(|_| is_it) {
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
