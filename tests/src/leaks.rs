//! Resources that runs of a test have left behind.

use crate::program::TestDir;
use std::{fs, os::unix::ffi::OsStrExt, path::Path};

/// Fails if any resource of the directory's runs is left.
///
/// # Panics
///
/// A resource is left.
pub fn assert_no_leaks(dir: &TestDir) {
    assert_eq!(leaked_resources(dir), Vec::<String>::new());
}

/// Processes, mounts and folders of the directory's runs.
///
/// # Panics
///
/// /proc cannot be read.
#[must_use]
#[expect(clippy::expect_used, reason = "without /proc the test cannot find leaks")]
pub fn leaked_resources(dir: &TestDir) -> Vec<String> {
    let state = dir.state();
    let marker = state.as_os_str().as_bytes();
    let mut leaked = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if command.windows(marker.len()).any(|window| window == marker) {
            leaked.push(format!("process {}", String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    let mounts = fs::read_to_string("/proc/mounts").expect("/proc/mounts");
    let is_ours = |mount: &&str| mount.contains(&*state.to_string_lossy());
    leaked.extend(mounts.lines().filter(is_ours).map(|mount| format!("mount {mount}")));
    for entry in fs::read_dir(&state).into_iter().flatten().flatten() {
        // The lock file of the state folder stays.
        if entry.file_name() != "gate" {
            leaked.push(entry.path().display().to_string());
        }
    }
    leaked
}

/// The cgroups of the runs with these ids, and processes in them.
///
/// # Panics
///
/// /proc cannot be read.
#[must_use]
#[expect(clippy::expect_used, reason = "without /proc the test cannot find leaks")]
pub fn leaked_cgroups(ids: &[String]) -> Vec<String> {
    let mut leaked = Vec::new();
    for hierarchy in ["", "memory", "cpu"] {
        let parent = Path::new("/sys/fs/cgroup").join(hierarchy).join("cofferdam");
        let ours = ids.iter().map(|id| parent.join(id)).filter(|path| path.exists());
        leaked.extend(ours.map(|path| path.display().to_string()));
    }
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let cgroup = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        leaked.extend(
            ids.iter().filter(|id| cgroup.contains(id.as_str())).map(|id| format!("process in {id}")),
        );
    }
    leaked
}
