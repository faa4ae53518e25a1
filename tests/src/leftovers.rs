//! What runs of a place have left behind.

use crate::program::Place;
use std::{fs, os::unix::ffi::OsStrExt, path::Path};

/// Fails if anything is there that belongs to a run of this place.
///
/// # Panics
///
/// Where there is.
pub fn assert_nothing_left(place: &Place) {
    assert_eq!(left(place), Vec::<String>::new());
}

/// Processes, mounts, cgroups and folders of the place's runs.
///
/// # Panics
///
/// Where /proc cannot be read.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot look has failed")]
pub fn left(place: &Place) -> Vec<String> {
    let state = place.state();
    let marker = state.as_os_str().as_bytes();
    let mut left = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if command.windows(marker.len()).any(|window| window == marker) {
            left.push(format!("process {}", String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    let mounts = fs::read_to_string("/proc/mounts").expect("/proc/mounts");
    let is_ours = |mount: &&str| mount.contains(&*state.to_string_lossy());
    left.extend(mounts.lines().filter(is_ours).map(|mount| format!("mount {mount}")));
    let names = |folder| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    left.extend(names(state.clone()).filter(|path| !path.ends_with("gate")).map(|path| path.display().to_string()));
    left
}

/// The cgroups of runs with these ids, and processes in them.
///
/// # Panics
///
/// Where /proc cannot be read.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot look has failed")]
pub fn cgroups_left(ids: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    for hierarchy in ["", "memory", "cpu"] {
        let parent = Path::new("/sys/fs/cgroup").join(hierarchy).join("cofferdam");
        let ours = ids.iter().map(|id| parent.join(id)).filter(|path| path.exists());
        left.extend(ours.map(|path| path.display().to_string()));
    }
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let cgroup = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        left.extend(ids.iter().filter(|id| cgroup.contains(id.as_str())).map(|id| format!("process in {id}")));
    }
    left
}
