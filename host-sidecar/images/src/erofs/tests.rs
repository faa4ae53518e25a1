//! Images are read back by a reader of the format, and by `fsck.erofs` where it is installed.

use super::{ImageWriter, format::BLOCK, reader::Reader};
use crate::tree::{Kind, Metadata, Special, Tree};
use std::{
    io::Cursor,
    process::{Command, Stdio},
};

const METADATA: Metadata = Metadata { mode: 0o640, uid: 70_000, gid: 3, mtime: (1_700_000_000, 5) };

/// A tree with everything that a tree can have.
fn image() -> Vec<u8> {
    let mut image = ImageWriter::new(Cursor::new(Vec::new()), 1 << 30).expect("an image");
    let mut tree = Tree::new();
    let mut file = |content: &[u8]| image.add_file(&mut &*content, content.len() as u64).expect("memory");
    let (empty, page, long) = (file(b""), file(&[1; BLOCK]), file(&[2; 3 * BLOCK + 1]));
    let bin = tree.require_directory(&[b"usr", b"bin"]);
    let id = tree.add(bin, b"long", long, METADATA);
    tree.add(bin, b"page", page, METADATA);
    tree.link(Tree::ROOT, b"!first", id);
    tree.add(Tree::ROOT, b"empty", empty, METADATA);
    for length in [1, 4000, 4032, 4033, 4095] {
        let name = format!("link-{length}");
        tree.add(Tree::ROOT, name.as_bytes(), Kind::Symlink(vec![b'x'; length].into()), METADATA);
    }
    for (name, kind) in [("c", Special::CharacterDevice), ("b", Special::BlockDevice), ("p", Special::Fifo)] {
        tree.add(Tree::ROOT, name.as_bytes(), Kind::Special(kind), METADATA);
    }
    let many = tree.require_directory(&[b"many"]);
    for number in 0..2000 {
        let name = format!("a-file-with-a-long-name-{number}");
        tree.add(many, name.as_bytes(), Kind::File { first_block: 0, size: 0 }, METADATA);
    }
    image.finish(&tree).expect("an image").into_inner()
}

#[test]
fn an_image_is_read_back() {
    let reader = Reader(image());
    let long = reader.find("usr/bin/long");
    assert_eq!((long.content, long.links), (vec![2; 3 * BLOCK + 1], 2));
    assert_eq!((long.mode, long.owner, long.mtime), (0o100_640, (70_000, 3), METADATA.mtime));
    assert_eq!(reader.find("!first").number, long.number);
    assert_eq!(reader.find("usr/bin/page").content, [1; BLOCK]);
    assert!(reader.find("empty").content.is_empty());
    for length in [1, 4000, 4032, 4033, 4095] {
        let link = reader.find(&format!("link-{length}"));
        assert_eq!((link.mode, link.content), (0o120_777, vec![b'x'; length]));
    }
    let modes = ["b", "c", "p"].map(|name| reader.find(name).mode);
    assert_eq!(modes, [0o060_640, 0o020_640, 0o010_640]);
    assert_eq!(reader.entries(&reader.find("many")).len(), 2002);
    let (root, usr) = (reader.root(), reader.find("usr"));
    assert_eq!((root.mode, root.links, usr.links), (0o040_755, 4, 3));
    let bin = reader.entries(&reader.find("usr/bin"));
    assert_eq!((bin[&b"."[..]], bin[&b".."[..]]), (reader.find("usr/bin").number, usr.number));
    assert_eq!(reader.entries(&root)[&b".."[..]], root.number);
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    assert!(image() == image());
}

#[test]
fn fsck_finds_no_fault() {
    let file = std::env::temp_dir().join(format!("cofferdam-test-{}.erofs", std::process::id()));
    std::fs::write(&file, image()).expect("a file");
    let checked = Command::new("fsck.erofs").arg(&file).stdin(Stdio::null()).output();
    std::fs::remove_file(&file).expect("removed");
    // The program is not installed everywhere; the end-to-end tests install it.
    if let Ok(checked) = checked {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn an_image_over_its_limit_is_refused() {
    let mut image = ImageWriter::new(Cursor::new(Vec::new()), 3 * BLOCK as u64).expect("an image");
    assert!(image.add_file(&mut &[0; BLOCK][..], BLOCK as u64).is_ok());
    assert!(image.add_file(&mut &[0; 2 * BLOCK][..], 2 * BLOCK as u64).is_err());
    assert!(image.add_file(&mut &b"short"[..], 6).is_err());
}
