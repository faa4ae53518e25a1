//! Entries of archives that lead elsewhere, or that no file system has.

use super::{
    Case,
    Expected::{Refused, Runs},
    archive::Archive,
    bash_layer, check,
    image::Image,
};
use std::path::Path;
use tar::EntryType;

/// Writes an image of bash and this layer.
pub(super) fn with_bash(folder: &Path, layer: Archive) {
    Image::new([bash_layer(), layer.bytes()]).write(folder);
}

/// Writes an image of this layer alone.
pub(super) fn alone(folder: &Path, layer: Archive) {
    Image::new([layer.bytes()]).write(folder);
}

/// The folder outside the store.
fn outside(folder: &Path) -> String {
    folder.with_file_name("outside").display().to_string()
}

/// A header whose size is these bytes.
fn sized(size: [u8; 12]) -> Archive {
    Archive::default().raw(EntryType::Regular, b"a", b"", |header| header.as_old_mut().size = size)
}

#[test]
fn paths_and_links_stay_in_the_image() {
    check(&[
        Case {
            name: "absolute paths",
            build: |folder| {
                let layer = Archive::default()
                    .file("/cofferdam-escaped", "a")
                    .file("//tmp/../cofferdam-escaped-2", "b");
                with_bash(folder, layer);
            },
            expected: Runs {
                script: "echo $(</cofferdam-escaped) $(</cofferdam-escaped-2)",
                stdout: "a b\n",
            },
        },
        Case {
            name: "parent folders",
            build: |folder| {
                let up = "../".repeat(20);
                with_bash(
                    folder,
                    Archive::default()
                        .file(&format!("{up}cofferdam-escaped"), "a")
                        .file("etc/../../../cofferdam-escaped-2", "b"),
                );
            },
            expected: Runs {
                script: "echo $(</cofferdam-escaped) $(</cofferdam-escaped-2)",
                stdout: "a b\n",
            },
        },
        Case {
            name: "an entry below a link to a folder outside",
            build: |folder| {
                with_bash(
                    folder,
                    Archive::default().symlink("out", &outside(folder)).file("out/cofferdam-escaped", "a"),
                );
            },
            expected: Runs { script: "[ ! -L /out ] && echo $(</out/cofferdam-escaped)", stdout: "a\n" },
        },
        Case {
            name: "a file in place of a link to a file outside",
            build: |folder| {
                let secret = format!("{}/secret", outside(folder));
                with_bash(folder, Archive::default().symlink("out", &secret).file("out", "replaced"));
            },
            expected: Runs { script: "[ ! -L /out ] && echo $(</out)", stdout: "replaced\n" },
        },
        Case {
            name: "a chain of links",
            build: |folder| {
                let links =
                    Archive::default().symlink("a", "b").symlink("b", "c").symlink("c", &outside(folder));
                with_bash(folder, links.file("a/cofferdam-escaped", "a").file("b/cofferdam-escaped", "b"));
            },
            expected: Runs {
                script: "echo $(</a/cofferdam-escaped) $(</b/cofferdam-escaped)",
                stdout: "a b\n",
            },
        },
        Case {
            name: "links through /proc",
            build: |folder| {
                let layer = Archive::default()
                    .symlink("root", "/proc/self/root/tmp")
                    .file("root/cofferdam-escaped", "a")
                    .symlink("stdout", "/proc/self/fd/1")
                    .file("stdout", "b");
                with_bash(folder, layer);
            },
            expected: Runs { script: "echo $(</root/cofferdam-escaped) $(</stdout)", stdout: "a b\n" },
        },
        Case {
            name: "a hard link to a file outside",
            build: |folder| {
                alone(folder, Archive::default().link(EntryType::Link, "a", "../../../../etc/passwd"));
            },
            expected: Refused("it is a hard link to what is no file of the image"),
        },
        Case {
            name: "a hard link through a link",
            build: |folder| {
                alone(
                    folder,
                    Archive::default().symlink("out", "/etc").link(EntryType::Link, "a", "out/passwd"),
                );
            },
            expected: Refused("it is a hard link to what is no file of the image"),
        },
        Case {
            name: "a hard link to a folder",
            build: |folder| {
                alone(
                    folder,
                    Archive::default().entry(EntryType::Directory, "a/").link(EntryType::Link, "a/b", "a"),
                );
            },
            expected: Refused("it is a hard link to what is no file of the image"),
        },
    ]);
}

#[test]
fn entries_of_odd_kinds_do_no_harm() {
    check(&[
        Case {
            name: "devices, FIFOs and setuid bits",
            build: |folder| {
                let device = |header: &mut tar::Header| {
                    header.set_device_major(1).expect("a number");
                    header.set_device_minor(1).expect("a number");
                    header.set_mode(0o666);
                };
                let layer = Archive::default()
                    .raw(EntryType::Char, b"memory", b"", device)
                    .raw(EntryType::Block, b"disk", b"", device)
                    .entry(EntryType::Fifo, "fifo")
                    .raw(EntryType::Regular, b"setuid", b"", |header| header.set_mode(0o6777));
                with_bash(folder, layer);
            },
            expected: Runs {
                script: "[ -c /memory ] && [ -b /disk ] && [ -p /fifo ] && [ ! -u /setuid ] && [ ! -g /setuid ] && echo there; ( : </memory ) 2>/dev/null || echo closed; ( : </disk ) 2>/dev/null || echo closed",
                stdout: "there\nclosed\nclosed\n",
            },
        },
        Case {
            name: "entries of one name and different kinds",
            build: |folder| {
                let layer = Archive::default()
                    .file("a", "1")
                    .entry(EntryType::Directory, "a/")
                    .file("a/b", "2")
                    .symlink("a", "/bin")
                    .entry(EntryType::Fifo, "a")
                    .file("a", "last")
                    .file("a/b/c", "below");
                with_bash(folder, layer.file("f", "1").file("f", "2"));
            },
            expected: Runs { script: "echo $(</a/b/c) $(</f) /a/*", stdout: "below 2 /a/b\n" },
        },
        Case {
            name: "a sparse file of GNU",
            build: |folder| alone(folder, Archive::default().entry(EntryType::GNUSparse, "a")),
            expected: Refused("this kind of entry is not supported"),
        },
        Case {
            name: "a sparse file of POSIX",
            build: |folder| {
                alone(folder, Archive::default().records(b"22 GNU.sparse.major=1\n").file("a", ""));
            },
            expected: Refused("it has a sparse file"),
        },
        Case {
            name: "a negative size",
            build: |folder| alone(folder, sized([0xff; 12])),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "a size of 2^63",
            build: |folder| alone(folder, sized([0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0])),
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "sizes that differ",
            build: |folder| alone(folder, Archive::default().records(b"9 size=5\n").file("a", "bcd")),
            expected: Refused("its headers name different sizes"),
        },
        Case {
            name: "a size that is no number",
            build: |folder| alone(folder, sized(*b"not a number")),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "a whiteout of the parent folder",
            build: |folder| alone(folder, Archive::default().file("a/.wh...", "")),
            expected: Refused("it removes no name"),
        },
        Case {
            name: "a whiteout of the root",
            build: |folder| alone(folder, Archive::default().file(".wh.", "")),
            expected: Refused("it removes no name"),
        },
        Case {
            name: "a whiteout outside, and one below a link",
            build: |folder| {
                let layer = Archive::default().symlink("out", &outside(folder)).file("keep", "kept");
                let upper =
                    Archive::default().file("out/.wh.secret", "").file("../../outside/.wh.secret", "");
                Image::new([bash_layer(), layer.bytes(), upper.bytes()]).write(folder);
            },
            expected: Runs { script: "echo $(</keep)", stdout: "kept\n" },
        },
        Case {
            name: "the root removed by a marker, and made again",
            build: |folder| {
                let upper = Archive::default().file(".wh..wh..opq", "");
                Image::new([Archive::default().file("gone", "").bytes(), upper.bytes(), bash_layer()])
                    .write(folder);
            },
            expected: Runs { script: "[ ! -e /gone ] && echo gone", stdout: "gone\n" },
        },
    ]);
}
