//! Layers, well-formed and hostile ones, are unpacked in memory.

use super::{Additions, UnpackLimits, Unpacker};
use crate::{Digest, ImageError, erofs::reader::Reader};
use std::io::{Cursor, Write};
use tar::{Builder, EntryType, Header};

/// An entry of an archive.
#[derive(Clone, Copy)]
enum Entry<'a> {
    File(&'a str, &'a str),
    Directory(&'a str),
    Link(EntryType, &'a str, &'a str),
    /// A kind without content.
    Other(EntryType, &'a str),
}

fn header(kind: EntryType, path: &str, size: usize) -> Header {
    let mut header = Header::new_gnu();
    // `set_path` would refuse what an attacker writes.
    let name = &mut header.as_gnu_mut().expect("GNU's header").name;
    let length = path.len().min(100);
    name[..length].copy_from_slice(&path.as_bytes()[..length]);
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(0o4755);
    header.set_uid(7);
    header.set_gid(8);
    header.set_mtime(9);
    header.set_cksum();
    header
}

fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        match *entry {
            Entry::File(path, content) => {
                builder.append(&header(EntryType::Regular, path, content.len()), content.as_bytes())
            }
            Entry::Directory(path) => builder.append(&header(EntryType::Directory, path, 0), &[][..]),
            Entry::Other(kind, path) => builder.append(&header(kind, path, 0), &[][..]),
            Entry::Link(kind, path, target) => builder.append_link(&mut header(kind, "", 0), path, target),
        }
        .expect("memory");
    }
    builder.into_inner().expect("memory")
}

fn unpack_with(limits: UnpackLimits, layers: &[Vec<u8>]) -> Result<Vec<u8>, ImageError> {
    let mut unpacker = Unpacker::new(Cursor::new(Vec::new()), limits)?;
    for layer in layers {
        unpacker.apply(&**layer, &Digest::of(layer))?;
    }
    let additions =
        Additions { mount_points: &["tmp", "home/user"], files: &[("etc/hosts", "127.0.0.1\tlocalhost\n")] };
    Ok(unpacker.finish(&additions)?.into_inner())
}

fn image(layers: &[Vec<u8>]) -> Reader {
    Reader(unpack_with(UnpackLimits::default(), layers).expect("an image"))
}

/// Each path of the image, with a `/` after folders and the target after links.
fn listing(layers: &[Vec<u8>]) -> Vec<String> {
    image(layers).list()
}

const ADDED: [&str; 5] = ["etc/", "etc/hosts", "home/", "home/user/", "tmp/"];

fn with_added(paths: &[&str]) -> Vec<String> {
    let mut all: Vec<_> = paths.iter().chain(&ADDED).map(ToString::to_string).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn layers_are_applied_one_after_another() {
    let layers = [
        layer(&[
            Entry::Directory("./"),
            Entry::Directory("a/"),
            Entry::File("a/kept", "1"),
            Entry::File("a/gone", "2"),
            Entry::File("b/old", "3"),
            Entry::Link(EntryType::Symlink, "lib", "usr/lib"),
        ]),
        layer(&[
            Entry::File("a/.wh.gone", ""),
            Entry::File("b/new", "4"),
            Entry::File("b/.wh..wh..opq", ""),
            Entry::File("a/kept", "changed"),
            Entry::Link(EntryType::Link, "hard", "a/kept"),
            Entry::File(".wh..wh.plnk/1", ""),
        ]),
    ];
    assert_eq!(listing(&layers), with_added(&["a/", "a/kept", "b/", "b/new", "hard", "lib -> usr/lib"]));
    let image = image(&layers);
    let (kept, hard) = (image.find("a/kept"), image.find("hard"));
    assert_eq!((kept.number, kept.links, kept.content), (hard.number, 2, b"changed".to_vec()));
    // Without setuid.
    assert_eq!((kept.mode, kept.owner, kept.mtime), (0o100_755, (7, 8), (9, 0)));
}

#[test]
fn long_names_and_extended_headers_are_read() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(200));
    let mut builder = Builder::new(Vec::new());
    builder.append_data(&mut header(EntryType::Regular, "", 1), &long, &b"x"[..]).expect("GNU's long name");
    builder.append_link(&mut header(EntryType::Symlink, "", 0), "link", &long).expect("GNU's long target");
    let records = [
        ("path", "pax/é".as_bytes()),
        ("mtime", b"1700000000.25"),
        ("uid", b"70000"),
        ("SCHILY.xattr.security.capability", b"\x01\n\x02=\n"),
    ];
    builder.append_pax_extensions(records).expect("an extended header");
    builder.append(&header(EntryType::Regular, "short", 1), &b"y"[..]).expect("memory");
    let image = image(&[builder.into_inner().expect("memory")]);
    assert_eq!(image.find(&long).content, b"x");
    assert_eq!(image.find("link").content, long.as_bytes());
    let file = image.find("pax/é");
    assert_eq!((file.owner, file.mtime), ((70_000, 8), (1_700_000_000, 250_000_000)));
}

#[test]
fn paths_stay_in_the_image_and_links_are_not_followed() {
    let layer = layer(&[
        Entry::File("/absolute", "1"),
        Entry::File("../../parent", "2"),
        Entry::Link(EntryType::Symlink, "escape", "/etc"),
        Entry::File("escape/passwd", "3"),
        Entry::Link(EntryType::Symlink, "up", "../../.."),
        Entry::Link(EntryType::Link, "hard", "../absolute"),
    ]);
    assert_eq!(
        listing(&[layer]),
        with_added(&["absolute", "escape/", "escape/passwd", "hard", "parent", "up -> ../../.."])
    );
}

#[test]
fn mount_points_replace_what_is_no_folder() {
    let layer = layer(&[
        Entry::Link(EntryType::Symlink, "tmp", "var/tmp"),
        Entry::File("home", "a file"),
        Entry::Link(EntryType::Symlink, "etc", "nix/etc"),
        Entry::Other(EntryType::Char, "null"),
        Entry::Other(EntryType::Fifo, "fifo"),
    ]);
    // A folder that is a link gets no file of ours.
    assert_eq!(listing(&[layer]), ["etc -> nix/etc", "fifo", "home/", "home/user/", "null", "tmp/"]);
}

#[test]
fn every_user_may_pass_to_the_mount_points() {
    let mut builder = Builder::new(Vec::new());
    for path in ["./", "home/"] {
        let mut header = header(EntryType::Directory, path, 0);
        header.set_mode(0o700);
        header.set_cksum();
        builder.append(&header, &[][..]).expect("memory");
    }
    let image = image(&[builder.into_inner().expect("memory")]);
    assert_eq!((image.root().mode, image.find("home").mode), (0o040_755, 0o040_755));
}

#[test]
fn hostile_archives_are_refused() {
    let long = "x".repeat(300);
    let deep = "d/".repeat(3000);
    let mut extension = Builder::new(Vec::new());
    let bomb = vec![b'a'; (1 << 20) + 1];
    extension.append(&header(EntryType::GNULongName, "l", bomb.len()), &*bomb).expect("memory");
    let mut sizes = Builder::new(Vec::new());
    sizes.append_pax_extensions([("size", &b"1"[..])]).expect("memory");
    sizes.append(&header(EntryType::Regular, "f", 3), &b"abc"[..]).expect("memory");
    let mut zero = Builder::new(Vec::new());
    zero.append_pax_extensions([("path", &b"a\0b"[..])]).expect("memory");
    zero.append(&header(EntryType::Regular, "f", 0), &[][..]).expect("memory");
    let named = |path: &str| {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions([("path", path.as_bytes())]).expect("memory");
        builder.append(&header(EntryType::Regular, "f", 0), &[][..]).expect("memory");
        builder.into_inner().expect("memory")
    };
    let whole = layer(&[Entry::File("f", "content")]);
    for (layer, part) in [
        (layer(&[Entry::Link(EntryType::Link, "h", "missing")]), "hard link"),
        (layer(&[Entry::Directory("d"), Entry::Link(EntryType::Link, "h", "d")]), "hard link"),
        (layer(&[Entry::Link(EntryType::Link, "h", "/etc/passwd")]), "hard link"),
        (layer(&[Entry::File("a/.wh.", "")]), "removes no name"),
        (layer(&[Entry::File("a/.wh...", "")]), "removes no name"),
        (layer(&[Entry::Other(EntryType::GNUSparse, "s")]), "not supported"),
        (layer(&[Entry::Other(EntryType::new(b'V'), "v")]), "not supported"),
        (named(&long), "too long"),
        (named(&deep), "too long"),
        (extension.into_inner().expect("memory"), "extended header"),
        (sizes.into_inner().expect("memory"), "different sizes"),
        (zero.into_inner().expect("memory"), "zero byte"),
        (whole[..514].to_vec(), "ends within a file"),
        (vec![b'x'; 1024], "cannot be unpacked"),
        (vec![0x1f, 0x8b, 8, 0, 0, 0], "cannot be unpacked"),
    ] {
        let error = unpack_with(UnpackLimits::default(), &[layer]).expect_err(part).to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn bombs_stop_at_the_limits() {
    let limits = UnpackLimits { entries: 100, bytes: 1 << 20, name_bytes: 10_000 };
    let refused = |layers: &[Vec<u8>]| unpack_with(limits.clone(), layers).expect_err("refused").to_string();
    let compressed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let large = "z".repeat(2 << 20);
    assert!(refused(&[compressed(&layer(&[Entry::File("f", &large)]))]).contains("bytes"));
    // What follows the end of an archive counts too.
    assert!(refused(&[compressed(&vec![0; 2 << 20])]).contains("bytes"));
    let half = layer(&[Entry::File("f", &large[..600 << 10])]);
    assert!(refused(&[half.clone(), half]).contains("bytes"));
    let names: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| Entry::Directory(name)).collect();
    assert!(refused(&[layer(&many)]).contains("100 entries"));
    let implied = "d/".repeat(49);
    let nested: Vec<_> = ["a", "b", "c"].iter().map(|name| format!("{name}/{implied}f")).collect();
    let nested: Vec<_> = nested.iter().map(|path| Entry::File(path, "")).collect();
    assert!(refused(&[layer(&nested)]).contains("100 entries"));
    let long = vec![Entry::Link(EntryType::Symlink, "l", &large[..99]); 99];
    let longer = UnpackLimits { name_bytes: 5_000, ..limits.clone() };
    assert!(unpack_with(longer, &[layer(&long)]).expect_err("refused").to_string().contains("names"));
    // Small files use whole blocks.
    let small: Vec<_> = names[..99].iter().map(|name| Entry::File(name, "x")).collect();
    let smaller = UnpackLimits { bytes: 200 << 10, ..limits.clone() };
    assert!(unpack_with(smaller, &[layer(&small)]).expect_err("refused").to_string().contains("bytes"));
}

#[test]
fn a_layer_of_another_digest_is_refused() {
    let mut unpacker = Unpacker::new(Cursor::new(Vec::new()), UnpackLimits::default()).expect("an image");
    let layer = layer(&[Entry::File("f", "x")]);
    let error = unpacker.apply(&*layer, &Digest::of(b"other"));
    assert!(matches!(error, Err(ImageError::WrongDigest { .. })));
}
