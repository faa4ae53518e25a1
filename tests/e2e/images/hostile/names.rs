//! Names of entries that are too long, or that are no text.

use super::{
    Case,
    Expected::{Refused, Runs},
    archive::Archive,
    check,
    entries::{alone, with_bash},
};
use tar::EntryType;

#[test]
fn names_are_bounded_and_shown_safely() {
    check(&[
        Case {
            name: "a name over the limit of Linux",
            build: |folder| alone(folder, Archive::default().long(&"x".repeat(256))),
            expected: Refused("a name in its path is too long"),
        },
        Case {
            name: "a path over the limit of Linux",
            build: |folder| alone(folder, Archive::default().long(&"x/".repeat(3000))),
            expected: Refused("its path is too long"),
        },
        Case {
            name: "a target over the limit of Linux",
            build: |folder| {
                let target = "x".repeat(4096);
                let link = Archive::default().raw(EntryType::GNULongLink, b"l", target.as_bytes(), |_| {});
                alone(folder, link.symlink("a", "b"));
            },
            expected: Refused("its target is too long"),
        },
        Case {
            name: "the longest path",
            build: |folder| with_bash(folder, Archive::default().long(&format!("{}end", "d/".repeat(2046)))),
            expected: Runs {
                script: "cd /; [ -e $(printf 'd/%.0s' {1..2046})end ] && echo there",
                stdout: "there\n",
            },
        },
        Case {
            name: "control characters in a name",
            build: |folder| {
                alone(
                    folder,
                    Archive::default().link(EntryType::Link, "\u{1b}[2J\r\nerror: \u{202e}x", "missing"),
                );
            },
            expected: Refused("it is a hard link to what is no file of the image"),
        },
        Case {
            name: "names that are no text",
            build: |folder| {
                let layer = Archive::default().raw(EntryType::Regular, b"\xff\xfe\n\x1b", b"a", |_| {});
                with_bash(folder, layer);
            },
            expected: Runs { script: "echo $(</$'\\xff\\xfe\\n\\e')", stdout: "a\n" },
        },
        Case {
            name: "a path with a zero byte",
            build: |folder| alone(folder, Archive::default().long("a\0b/cofferdam-escaped")),
            expected: Refused("its path has a zero byte"),
        },
        Case {
            name: "an extended header of 2 MiB",
            build: |folder| alone(folder, Archive::default().records(&vec![b'x'; 2 << 20])),
            expected: Refused("an extended header has more than 1048576 bytes"),
        },
        Case {
            name: "an extended header that claims to have 2^62 bytes",
            build: |folder| {
                let size = [0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0];
                let layer =
                    Archive::default().raw(EntryType::XHeader, b"x", b"", |h| h.as_old_mut().size = size);
                alone(folder, layer);
            },
            expected: Refused("an extended header has more than 1048576 bytes"),
        },
        Case {
            name: "an extended header that is malformed",
            build: |folder| {
                alone(folder, Archive::default().records(b"999999999999999999999 path=a\n").file("a", ""))
            },
            expected: Refused("an extended header is malformed"),
        },
    ]);
}
