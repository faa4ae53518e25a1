//! Listing directories.

use super::*;
use crate::files::walk::{Denied, open_directory, walk};
use cofferdam_protocol::FileKind;
use std::{
    ffi::OsStr,
    fs::Permissions,
    os::unix::fs::{PermissionsExt, symlink},
};

#[test]
fn a_directory_is_listed_to_a_depth() {
    let folder = Folder::new();
    folder.write("a/b/c", b"content");
    symlink("a", folder.join("link")).expect("a link");
    let list = |depth| entries(&FileRequest::List(folder.path(""), depth));
    assert_eq!(paths(&list(0)), [""; 0]);
    assert_eq!(paths(&list(1)), ["a", "link"]);
    assert_eq!(paths(&list(2)), ["a", "a/b", "link"]);
    let all = list(u32::MAX);
    assert_eq!(paths(&all), ["a", "a/b", "a/b/c", "link"]);
    assert_eq!((all[2].kind, all[2].size), (FileKind::File, 7));
    assert_eq!((all[3].kind, all[3].target.as_slice()), (FileKind::Link, b"a".as_slice()));
    // The directory itself may be behind a link.
    assert_eq!(paths(&entries(&FileRequest::List(folder.path("link"), 1))), ["b"]);
}

#[test]
fn names_of_any_bytes_are_listed_exactly() {
    let folder = Folder::new();
    let mut names: Vec<Vec<u8>> =
        [b" ".as_slice(), b"\n", b"-rf", b"\xff\xfe", b"a\\b", b"\x1b[2J", "\u{202e}x".as_bytes(), b"..."]
            .map(<[u8]>::to_vec)
            .to_vec();
    names.push(vec![b'x'; 255]);
    names.sort();
    for name in &names {
        fs::write(folder.0.join(OsStr::from_bytes(name)), name).expect("a file");
    }
    let listed = entries(&FileRequest::List(folder.path(""), 1));
    assert_eq!(listed.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>(), names);
}

#[test]
fn fifty_thousand_files_are_listed_and_twice_as_many_are_too_many() {
    let folder = Folder::new();
    let make = |directory: &str| {
        fs::create_dir(folder.join(directory)).expect("a directory");
        for number in 0..50_000 {
            fs::File::create_new(folder.join(directory).join(number.to_string())).expect("a file");
        }
    };
    make("many");
    assert_eq!(entries(&FileRequest::List(folder.path("many"), 1)).len(), 50_000);
    make("more");
    let failure = failure(&FileRequest::List(folder.path(""), 2));
    assert_eq!((failure.error, failure.path), (FileErrorKind::TooManyEntries, folder.path("")));
}

#[test]
fn a_directory_that_may_not_be_read_is_listed_without_what_is_in_it() {
    let folder = Folder::new();
    folder.write("closed/a", b"");
    folder.write("names-only/b", b"");
    folder.write("open/c", b"");
    let chmod =
        |path, mode| fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).expect("a mode");
    chmod("closed", 0);
    chmod("names-only", 0o400);
    let in_thread = |call: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            scope.spawn(|| {
                without_override();
                call();
            });
        });
    };
    in_thread(&|| {
        let listed = entries(&FileRequest::List(folder.path(""), 9));
        assert_eq!(paths(&listed), ["closed", "names-only", "open", "open/c"]);
        assert_eq!(error(&FileRequest::List(folder.path("closed"), 1)), FileErrorKind::PermissionDenied);
        // Half of a tree is not a tree.
        assert_eq!(error(&FileRequest::ReadTree(folder.path(""))), FileErrorKind::PermissionDenied);
    });
    chmod("closed", 0o700);
    chmod("names-only", 0o700);
}

#[test]
fn a_tree_that_changes_while_it_is_listed_is_no_error() {
    let folder = Folder::new();
    for name in ["removed", "swapped", "moved", "stays"] {
        folder.write(&format!("tree/{name}/a"), b"");
    }
    folder.write("elsewhere/secret", b"");
    let mut seen = Vec::new();
    let root = open_directory(&folder.path("tree")).expect("a directory");
    walk(root, &folder.path("tree"), Denied::Skip, &mut |found| {
        // All are known by now, and none is opened.
        if seen.len() == 3 {
            let tree = folder.join("tree");
            fs::remove_dir_all(tree.join("removed")).expect("a removal");
            fs::remove_dir_all(tree.join("swapped")).expect("a removal");
            symlink(folder.join("elsewhere"), tree.join("swapped")).expect("a link");
            fs::rename(tree.join("moved"), folder.join("moved")).expect("a rename");
        }
        seen.push(String::from_utf8_lossy(found.path).into_owned());
        Ok(true)
    })
    .expect("a listing");
    // A name may be seen again, as what has replaced it.
    seen.retain(|path| path.contains('/'));
    assert_eq!(seen, ["stays/a"]);
}

#[test]
fn what_is_not_a_directory_is_not_listed() {
    let folder = Folder::new();
    folder.write("a", b"");
    symlink("loop", folder.join("loop")).expect("a link");
    for (path, kind) in [
        ("a", FileErrorKind::NotDirectory),
        ("b", FileErrorKind::NotFound),
        ("loop", FileErrorKind::LinkLoop),
    ] {
        assert_eq!(error(&FileRequest::List(folder.path(path), 1)), kind);
    }
}
