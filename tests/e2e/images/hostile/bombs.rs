//! Archives that are larger than they look.

use super::{
    Case,
    Expected::{Refused, Runs},
    archive::{Archive, gzip, zstd},
    bash_layer, check,
    image::Image,
};
use std::path::Path;
use tar::EntryType;

const MIB: usize = 1 << 20;
/// Bytes in a part of a bomb, which is repeated.
const PART: usize = 16 * MIB;

/// The header of a file of this many bytes, which follow.
fn header(size: u64) -> Vec<u8> {
    Archive::default().raw(EntryType::Regular, b"large", b"", |header| header.set_size(size)).bytes()
}

#[test]
fn bombs_are_refused_at_the_limit() {
    check(&[
        Case {
            name: "a bomb of gzip",
            build: |folder| {
                let bomb = [gzip(&header(8 << 30)), gzip(&vec![0; PART]).repeat(40)].concat();
                Image::new([]).stored(bomb, b"").write(folder);
            },
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "a bomb of zstd",
            build: |folder| {
                let bomb = [zstd(&header(8 << 30)), zstd(&vec![0; PART]).repeat(40)].concat();
                Image::new([]).stored(bomb, b"").write(folder);
            },
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "a bomb behind the end of the archive",
            build: |folder| {
                let bomb = [gzip(&[0; 1024]), gzip(&vec![0; PART]).repeat(40)].concat();
                Image::new([]).stored(bomb, b"").write(folder);
            },
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "a bomb in several layers",
            build: |folder| {
                let layer = [header(5 * PART as u64), vec![0; 5 * PART]].concat();
                let stored = gzip(&layer);
                let image = (0..8).fold(Image::new([]), |image, _| image.stored(stored.clone(), &layer));
                image.write(folder);
            },
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "a layer that is compressed twice",
            build: |folder| {
                let inner = gzip(&vec![0; PART]);
                Image::new([]).stored(gzip(&inner), &inner).write(folder);
            },
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "a bomb as a file of the image",
            build: |folder| {
                let bomb = gzip(&gzip(&vec![0; PART]).repeat(1000));
                let layer = Archive::default().raw(EntryType::Regular, b"bomb.gz", &bomb, |_| {});
                Image::new([bash_layer(), layer.bytes()]).write(folder);
            },
            // It stays as it is.
            expected: Runs { script: "[ -s /bomb.gz ] && echo whole", stdout: "whole\n" },
        },
        Case {
            name: "a window of gigabytes",
            build: |folder| {
                // A frame with a window descriptor of 2^41 bytes, and one empty block.
                let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00];
                Image::new([]).stored(frame.to_vec(), b"").write(folder);
            },
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "a million members without content",
            build: |folder| {
                let members = gzip(b"").repeat(1_000_000);
                let layer = bash_layer();
                Image::new([]).stored([gzip(&layer), members].concat(), &layer).write(folder);
            },
            expected: Runs { script: "echo bounded", stdout: "bounded\n" },
        },
    ]);
}

#[test]
fn entries_and_names_are_counted() {
    check(&[
        Case {
            name: "more than a million entries",
            build: |folder| {
                let part = gzip(&Archive::default().file("a", "").repeated(10_000).bytes());
                Image::new([]).stored(part.repeat(101), b"").write(folder);
            },
            expected: Refused("the image has more than 1000000 entries"),
        },
        Case {
            name: "more than a million folders that entries imply",
            build: |folder| {
                let entry = |number| Archive::default().long(&format!("{number}/{}", "d/".repeat(2000)));
                let archive =
                    (0..510).fold(Archive::default(), |archive, number| archive.then(&entry(number)));
                Image::new([]).stored(gzip(&archive.bytes()), b"").write(folder);
            },
            expected: Refused("the image has more than 1000000 entries"),
        },
        Case {
            name: "more than 128 MiB of names",
            build: |folder| {
                let path = format!("{}x", "long-name/".repeat(409));
                let part = gzip(&Archive::default().long(&path).repeated(1000).bytes());
                Image::new([]).stored(part.repeat(34), b"").write(folder);
            },
            expected: Refused("the image has more than 134217728 bytes of names"),
        },
        Case {
            name: "opaque markers by the thousand",
            build: |folder| {
                let files =
                    (0..20_000).fold(Archive::default(), |archive, n| archive.file(&format!("many/{n}"), ""));
                let markers = Archive::default().file("many/.wh..wh..opq", "").repeated(50_000);
                Image::new([bash_layer(), files.bytes(), markers.bytes()]).write(folder);
            },
            expected: Runs { script: "echo /many/*", stdout: "/many/*\n" },
        },
        Case {
            name: "whiteouts by the thousand",
            build: |folder| {
                let files = Archive::default().file("a/b", "");
                let markers = Archive::default().file(".wh.a", "").file("a/c", "").repeated(50_000);
                Image::new([bash_layer(), files.bytes(), markers.bytes()]).write(folder);
            },
            expected: Runs { script: "echo /a/*", stdout: "/a/c\n" },
        },
    ]);
}

/// Writes an image whose layer lacks the end of what is compressed.
fn write_cut_off(folder: &Path, compress: fn(&[u8]) -> Vec<u8>) {
    let layer = Archive::default().file("a", &"text".repeat(1000)).bytes();
    let stored = compress(&layer);
    Image::new([]).stored(stored[..stored.len() - 9].to_vec(), &layer).write(folder);
}

#[test]
fn a_layer_that_is_cut_off_is_refused() {
    check(&[
        Case {
            name: "within a file",
            build: |folder| Image::new([header(5000)]).write(folder),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "within gzip",
            build: |folder| write_cut_off(folder, gzip),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "within zstd",
            build: |folder| write_cut_off(folder, zstd),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
        Case {
            name: "what is no archive",
            build: |folder| Image::new([b"no archive".repeat(1000)]).write(folder),
            expected: Refused("a layer of the image cannot be unpacked"),
        },
    ]);
}
