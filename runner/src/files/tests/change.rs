//! Making, moving and removing.

use super::*;
use cofferdam_protocol::FileKind;
use rustix::fs::{Mode as Bits, OFlags, mkdirat, openat};
use std::os::unix::fs::symlink;

#[test]
fn a_directory_is_made_with_those_above_it_and_an_existing_one_stays() {
    let folder = Folder::new();
    done(&FileRequest::MakeDirectory(folder.path("a/b/c/"), 0o777), b"");
    assert_eq!((folder.mode("a/b"), folder.mode("a/b/c")), (0o755, 0o777));
    done(&FileRequest::MakeDirectory(folder.path("a/b"), 0o700), b"");
    assert_eq!(folder.mode("a/b"), 0o755);
    folder.write("file", b"");
    symlink("a", folder.join("link")).expect("a link");
    done(&FileRequest::MakeDirectory(folder.path("link"), 0o700), b"");
    for path in ["file", "file/a", "file/a/b"] {
        let request = FileRequest::MakeDirectory(folder.path(path), 0o700);
        assert_eq!(error(&request), FileErrorKind::NotDirectory, "{path}");
    }
}

#[test]
fn files_and_directories_are_moved() {
    let folder = Folder::new();
    folder.write("a", b"one");
    folder.write("b", b"two");
    folder.write("dir/c", b"");
    folder.write("full/d", b"");
    let rename = |from, to| FileRequest::Move(folder.path(from), folder.path(to));
    done(&rename("a", "b"), b"");
    assert_eq!(
        (folder.names(""), folder.read("b")),
        (["b", "dir", "full"].map(str::to_owned).to_vec(), b"one".to_vec())
    );
    fs::create_dir(folder.join("empty")).expect("a directory");
    done(&rename("dir", "empty"), b"");
    assert_eq!(folder.names("empty"), ["c"]);
    for (from, to, kind, path) in [
        ("empty", "full", FileErrorKind::Exists, "full"),
        ("b", "full", FileErrorKind::IsDirectory, "full"),
        ("full", "b", FileErrorKind::NotDirectory, "b"),
        ("full", "full/e", FileErrorKind::InvalidPath, "full/e"),
        ("missing", "e", FileErrorKind::NotFound, "missing"),
        ("b", "missing/e", FileErrorKind::NotFound, "missing/e"),
    ] {
        let failure = failure(&rename(from, to));
        assert_eq!((failure.error, failure.path), (kind, folder.path(path)), "{from} to {to}");
    }
}

#[test]
fn a_tree_is_removed_without_what_its_links_lead_to() {
    let folder = Folder::new();
    folder.write("kept/a", b"precious");
    folder.write("tree/b/c/d", b"");
    folder.write("tree/e", b"");
    symlink(folder.join("kept"), folder.join("tree/b/link")).expect("a link");
    symlink("tree", folder.join("to-tree")).expect("a link");
    done(&FileRequest::Remove(folder.path("to-tree/")), b"");
    assert_eq!(folder.names("tree"), ["b", "e"]);
    done(&FileRequest::Remove(folder.path("tree")), b"");
    done(&FileRequest::Remove(folder.path("kept/a")), b"");
    assert_eq!((folder.names(""), folder.names("kept").len()), (vec!["kept".to_owned()], 0));
    assert_eq!(error(&FileRequest::Remove(folder.path("kept/a"))), FileErrorKind::NotFound);
    assert_eq!(error(&FileRequest::Remove(folder.path("kept/a/b"))), FileErrorKind::NotFound);
}

#[test]
fn many_files_are_removed() {
    let folder = Folder::new();
    for number in 0..3000 {
        folder.write(&format!("tree/{number}"), b"");
    }
    done(&FileRequest::Remove(folder.path("tree")), b"");
    assert!(folder.names("").is_empty());
}

/// Makes so many directories in each other.
fn make_deep(folder: &Folder, levels: u32) {
    fs::create_dir(folder.join("deep")).expect("a directory");
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut directory = rustix::fs::open(folder.join("deep"), flags, Bits::empty()).expect("a directory");
    for _ in 0..levels {
        mkdirat(&directory, "a", Bits::RWXU).expect("a directory");
        directory = openat(&directory, "a", flags, Bits::empty()).expect("a directory");
    }
}

#[test]
fn a_tree_of_any_depth_is_removed_and_one_too_deep_is_not_listed() {
    let folder = Folder::new();
    make_deep(&folder, 5000);
    let list = |depth| FileRequest::List(folder.path("deep"), depth);
    assert_eq!(entries(&list(200)).len(), 200);
    assert_eq!(error(&list(300)), FileErrorKind::TooManyEntries);
    done(&FileRequest::Remove(folder.path("deep")), b"");
    assert!(folder.names("").is_empty());
}

#[test]
fn what_may_not_be_removed_is_named() {
    let folder = Folder::new();
    folder.write("tree/a/b", b"");
    chmod(&folder, "tree/a", 0o555);
    let failure = thread::scope(|scope| {
        let call = || {
            without_override();
            failure(&FileRequest::Remove(folder.path("tree")))
        };
        scope.spawn(call).join().expect("a failure")
    });
    chmod(&folder, "tree/a", 0o755);
    assert_eq!((failure.error, failure.path), (FileErrorKind::PermissionDenied, folder.path("tree/a")));
    assert_eq!(entries(&FileRequest::Stat(folder.path("tree/a/b")))[0].kind, FileKind::File);
}
