//! Images whose folders and variables no program expects.

use super::{
    Case,
    Expected::{self, Refused, Runs},
    archive::Archive,
    bash_layer, check,
    entries::with_bash,
    image::Image,
};
use tar::EntryType;

/// It writes where every program may.
const WRITES: &str = "for folder in /work /tmp /var/tmp /home/user /dev/shm; do echo a >$folder/new || exit; done; [ -c /dev/null ] && [ -r /proc/self/stat ] && [ -d /sys ] && echo usable";

const WORKS: Expected = Runs { script: "echo works", stdout: "works\n" };

#[test]
fn an_odd_etc_does_no_harm() {
    check(&[
        Case {
            name: "a link to another folder",
            build: |folder| with_bash(folder, Archive::default().symlink("etc", "/tmp")),
            expected: WORKS,
        },
        Case {
            name: "a link to itself",
            build: |folder| with_bash(folder, Archive::default().symlink("etc", "etc")),
            expected: WORKS,
        },
        Case {
            name: "a link to the descriptors of a process",
            build: |folder| with_bash(folder, Archive::default().symlink("etc", "/proc/self/fd")),
            expected: WORKS,
        },
        Case {
            name: "a file",
            build: |folder| with_bash(folder, Archive::default().file("etc", "text")),
            expected: WORKS,
        },
        Case {
            name: "a FIFO",
            build: |folder| with_bash(folder, Archive::default().entry(EntryType::Fifo, "etc")),
            expected: WORKS,
        },
        Case {
            name: "a list of users that is a FIFO, or a link to itself",
            build: |folder| {
                let layer =
                    Archive::default().entry(EntryType::Fifo, "etc/passwd").symlink("etc/group", "group");
                with_bash(folder, layer.entry(EntryType::Directory, "etc/nsswitch.conf/"));
            },
            expected: Runs { script: "echo ~nobody $UID", stdout: "~nobody 1001\n" },
        },
        Case {
            name: "names of hosts that are a folder, and a link",
            build: |folder| {
                let layer =
                    Archive::default().file("etc/hosts/a", "").symlink("etc/hostname", "/proc/self/exe");
                with_bash(folder, layer.symlink("etc/resolv.conf", "/work/resolv.conf"));
            },
            expected: Runs {
                script: "read -r a b c </etc/hosts; echo $a $b $(</etc/hostname)",
                stdout: "127.0.0.1 localhost sandbox\n",
            },
        },
    ]);
}

#[test]
fn odd_mount_points_are_replaced() {
    check(&[
        Case {
            name: "files",
            build: |folder| {
                let names = ["proc", "work", "tmp", "dev", "sys", "home", "var", "cofferdam"];
                with_bash(
                    folder,
                    names.iter().fold(Archive::default(), |layer, name| layer.file(name, "text")),
                );
            },
            expected: Runs { script: WRITES, stdout: "usable\n" },
        },
        Case {
            name: "links",
            build: |folder| {
                let links = [
                    ("proc", "/etc"),
                    ("work", "/proc/self/fd"),
                    ("tmp", "work"),
                    ("dev", "/"),
                    ("sys", "sys"),
                    ("home", "../../.."),
                    ("var", "/proc/1/root"),
                    ("cofferdam", "/tmp"),
                ];
                let layer = Archive::default();
                with_bash(
                    folder,
                    links.iter().fold(layer, |layer, (name, target)| layer.symlink(name, target)),
                );
            },
            expected: Runs { script: WRITES, stdout: "usable\n" },
        },
        Case {
            name: "a runner of its own",
            build: |folder| {
                with_bash(folder, Archive::default().file("cofferdam/runner", "#!/bin/bash\necho another"));
            },
            expected: Runs { script: "echo ours", stdout: "ours\n" },
        },
        Case {
            name: "no access to the root for anyone",
            build: |folder| {
                let layer =
                    Archive::default().raw(EntryType::Directory, b"./", b"", |header| header.set_mode(0));
                with_bash(folder, layer.raw(EntryType::Directory, b"tmp/", b"", |header| header.set_mode(0)));
            },
            expected: Runs { script: WRITES, stdout: "usable\n" },
        },
    ]);
}

#[test]
fn odd_variables_are_refused_or_left_out() {
    check(&[
        Case {
            name: "a zero byte, an end of line, no name",
            build: |folder| {
                let image =
                    Image::new([bash_layer()]).env("A\0B=1").env("C=2\0").env("D=3\n4").env("=5").env("E");
                image.write(folder);
            },
            expected: Runs { script: "echo \"$A$C$E-$D\"", stdout: "-3\n4\n" },
        },
        Case {
            name: "variables of our own and of the loader",
            build: |folder| {
                let image = Image::new([bash_layer()]).env("HOME=/proc").env("LD_PRELOAD=/missing.so");
                image.env("PATH=/bin").write(folder);
            },
            // That of the loader is the image's own affair.
            expected: Runs { script: "echo $HOME", stdout: "/home/user\n" },
        },
        Case {
            name: "a variable that is too long",
            build: |folder| {
                Image::new([bash_layer()]).env(format!("A={}", "x".repeat(200_000))).write(folder)
            },
            expected: Refused("no program could be started with the variables"),
        },
        Case {
            name: "variables that are too many",
            build: |folder| {
                let value = "x".repeat(100_000);
                let image = Image::new([bash_layer()]);
                (0..20).fold(image, |image, n| image.env(format!("A{n}={value}"))).write(folder);
            },
            expected: Refused("no program could be started with the variables"),
        },
    ]);
}
