//! The process that unpacks: what it has, and what happens if it ends.

use super::{
    archive::{Archive, gzip},
    bash_layer,
    image::{Image, NAME},
    limited, stored,
};
use crate::images::{command, run};
use cofferdam_tests::program::{TestDir, executed_by, stderr, stdout};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, path::Path, process::Child, thread::yield_now};
use tar::EntryType;

/// Writes a layer that takes seconds to unpack.
pub(in crate::images) fn write_slow(folder: &Path) {
    let header = Archive::default().raw(EntryType::Regular, b"large", b"", |header| header.set_size(1 << 33));
    let stored = [gzip(&header.bytes()), gzip(&vec![0; 64 << 20]).repeat(128)].concat();
    Image::new([]).stored(stored, b"").write(folder);
}

/// The process that unpacks, once it is confined.
pub(in crate::images) fn unpacking(loading: &Child) -> Pid {
    let parent = loading.id();
    let children = format!("/proc/{parent}/task/{parent}/children");
    loop {
        let child = fs::read_to_string(&children).expect("a process that is loading");
        if let Some(child) = child.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
            let limits = fs::read_to_string(format!("/proc/{child}/limits")).unwrap_or_default();
            if limits.lines().any(|line| line.starts_with("Max open files            0 ")) {
                return Pid::from_raw(child).expect("a process");
            }
        }
        let parent = Pid::from_raw(parent.cast_signed()).expect("a process");
        assert!(!is_dead(parent), "it has ended, or has no process that unpacks");
        yield_now();
    }
}

fn proc_file(process: Pid, name: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{name}", process.as_raw_nonzero())).expect("a process")
}

/// The value of a line of `/proc/PID/status`.
fn status(process: Pid, name: &str) -> String {
    let status = proc_file(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("a line").trim().to_owned()
}

#[test]
fn the_process_that_unpacks_has_nothing_but_the_image() {
    let dir = TestDir::new();
    write_slow(&dir.path().join("hostile"));
    // A descriptor and a variable that it must not have.
    let mut loading = command(&dir, &["image", "load", "hostile"]);
    loading.env("SECRET", "secret");
    let shell = dir.command("bash", ["-c", "exec 7</etc/passwd; exec \"$@\"", "bash"]);
    let mut loading = executed_by(shell, &loading).spawn().expect("a shell");
    let process = unpacking(&loading);
    assert_eq!(proc_file(process, "environ"), "");
    let files = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).expect("a process");
    let mut targets: Vec<_> = files
        .flatten()
        .map(|file| fs::read_link(file.path()).unwrap_or_default().display().to_string())
        .collect();
    targets.sort();
    targets.dedup();
    // Two pipes, and the file in the store.
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(
        targets[0].contains("/images/tmp/") && targets[1..].iter().all(|target| target.starts_with("pipe:"))
    );
    for (name, expected) in [
        ("NoNewPrivs", "1"),
        ("CapEff", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapInh", "0000000000000000"),
    ] {
        assert_eq!(status(process, name), expected, "{name}");
    }
    let limits = proc_file(process, "limits");
    let limit = |name: &str| -> Vec<String> {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        line.split_whitespace().take(2).map(str::to_owned).collect()
    };
    for name in ["Max open files", "Max processes", "Max core file size"] {
        assert_eq!(limit(name), ["0", "0"], "{name}");
    }
    for name in ["Max address space", "Max file size", "Max cpu time"] {
        assert!(limit(name).iter().all(|limit| limit != "unlimited"), "{name}");
    }
    // It ends with the process that has started it.
    loading.kill().expect("killed");
    loading.wait().expect("ended");
    while !is_dead(process) {
        yield_now();
    }
}

fn is_dead(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero()));
    status.map_or(true, |status| status.contains("State:\tZ") || status.contains("State:\tX"))
}

#[test]
fn the_end_of_the_process_is_an_error_and_leaves_a_store_that_works() {
    let dir = TestDir::new();
    for (signal, expected) in
        [(Signal::KILL, "was ended by signal 9"), (Signal::XCPU, "of processor time, which is its limit")]
    {
        write_slow(&dir.path().join("hostile"));
        let loading = command(&dir, &["image", "load", "hostile"]).spawn().expect("cofferdam");
        kill_process(unpacking(&loading), signal).expect("a signal");
        let output = loading.wait_with_output().expect("cofferdam");
        assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert!(stored(&dir).is_empty());
    }
    fs::remove_dir_all(dir.path().join("hostile")).expect("a folder");
    Image::new([bash_layer()]).write(&dir.path().join("hostile"));
    let loaded = limited(&dir, &["image", "load", "hostile"]).output().expect("a shell");
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    assert_eq!(stdout(&run(&dir, NAME, "echo works")), "works\n");
}
