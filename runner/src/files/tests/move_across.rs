//! Moving between mounts.

use super::*;
use crate::files::move_across::move_across;
use std::os::unix::fs::symlink;

/// Moves a file as to another mount.
fn moved(folder: &Folder, from: &str, to: &str) -> Result<(), FileFailure> {
    let data = ended();
    move_across(&folder.path(from), &folder.path(to), &Input { data: data.as_fd(), abort: None })
}

#[test]
fn a_file_is_moved_to_another_mount_and_a_directory_is_not() {
    let folder = Folder::new();
    fs::create_dir(folder.join("mount")).expect("a directory");
    // The mount is in a namespace of this thread only.
    if nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).is_err() {
        eprintln!("skipped: it needs the right to mount");
        return;
    }
    let (mount, propagation) = (folder.join("mount"), rustix::mount::MountPropagationFlags::PRIVATE);
    rustix::mount::mount_change("/", propagation | rustix::mount::MountPropagationFlags::REC)
        .expect("private mounts");
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", &mount, "tmpfs", flags, Some(c"size=64k")).expect("a file system");
    folder.write("a", b"content");
    folder.write("dir/b", b"");
    folder.write("large", &vec![b'x'; 1 << 20]);
    done(&FileRequest::Move(folder.path("a"), folder.path("mount/a")), b"");
    assert_eq!((folder.names("mount"), folder.read("mount/a")), (vec!["a".to_owned()], b"content".to_vec()));
    let rename = |from, to| FileRequest::Move(folder.path(from), folder.path(to));
    for (from, to, kind, path) in [
        ("dir", "mount/dir", FileErrorKind::IsDirectory, "dir"),
        ("large", "mount/a", FileErrorKind::DiskFull, "mount/a"),
        ("missing", "mount/a", FileErrorKind::NotFound, "missing"),
        ("large", "mount/missing/a", FileErrorKind::NotFound, "mount/missing/a"),
    ] {
        let failure = failure(&rename(from, to));
        assert_eq!((failure.error, failure.path), (kind, folder.path(path)), "{from} to {to}");
    }
    assert_eq!(folder.names(""), ["dir", "large", "mount"]);
    assert_eq!((folder.names("mount"), folder.read("mount/a")), (vec!["a".to_owned()], b"content".to_vec()));
    rustix::mount::unmount(&mount, rustix::mount::UnmountFlags::DETACH).expect("an unmount");
}

#[test]
fn what_is_moved_keeps_its_bytes_mode_and_time_and_replaces_a_file_or_a_link() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..=255).cycle().take(1_000_003).collect();
    folder.write("a", &content);
    folder.write("b", b"old");
    folder.write("empty", b"");
    folder.write("target", b"precious");
    chmod(&folder, "a", 0o751);
    let modified = || fs::metadata(folder.join("b")).expect("a file").modified().expect("a time");
    let before = fs::metadata(folder.join("a")).expect("a file").modified().expect("a time");
    assert_eq!(moved(&folder, "a", "b"), Ok(()));
    assert!(folder.read("b") == content);
    assert_eq!((folder.mode("b"), modified()), (0o751, before));
    symlink("target", folder.join("link")).expect("a link");
    assert_eq!(moved(&folder, "empty", "link"), Ok(()));
    assert!(!folder.join("link").is_symlink());
    symlink("target", folder.join("other")).expect("a link");
    assert_eq!(moved(&folder, "other", "link"), Ok(()));
    assert_eq!(fs::read_link(folder.join("link")).expect("a link"), Path::new("target"));
    assert_eq!(
        (folder.names(""), folder.read("target")),
        (["b", "link", "target"].map(str::to_owned).to_vec(), b"precious".to_vec())
    );
}

#[test]
fn a_move_that_fails_changes_nothing() {
    let folder = Folder::new();
    folder.write("closed/a", b"content");
    folder.write("dir/c", b"");
    folder.write("b", b"old");
    symlink("b", folder.join("closed/link")).expect("a link");
    chmod(&folder, "closed", 0o555);
    thread::scope(|scope| {
        let call = || {
            without_override();
            for from in ["closed/a", "closed/link"] {
                let failure = moved(&folder, from, "b").expect_err("a failure");
                assert_eq!(
                    (failure.error, failure.path),
                    (FileErrorKind::PermissionDenied, folder.path(from))
                );
            }
        };
        scope.spawn(call).join().expect("failures");
    });
    chmod(&folder, "closed", 0o755);
    for (from, to) in [("closed/a", "dir"), ("closed/link", "dir"), ("closed/a", "new/")] {
        assert_eq!(
            moved(&folder, from, to).map_err(|failure| failure.error),
            Err(FileErrorKind::IsDirectory)
        );
    }
    let (data, abort) = (ended(), ended());
    let input = Input { data: data.as_fd(), abort: Some(abort.as_fd()) };
    let failure = move_across(&folder.path("closed/a"), &folder.path("b"), &input).expect_err("an abort");
    assert_eq!(failure.reason, "the write was aborted");
    assert_eq!(
        (folder.names(""), folder.names("closed")),
        (["b", "closed", "dir"].map(str::to_owned).to_vec(), ["a", "link"].map(str::to_owned).to_vec())
    );
    assert_eq!((folder.names("dir"), folder.read("b")), (vec!["c".to_owned()], b"old".to_vec()));
}

#[test]
fn a_file_is_never_removed_instead_of_its_copy() {
    let folder = Folder::new();
    folder.write("a", b"content");
    // As if the two paths were one directory behind two mounts.
    let failure = moved(&folder, "a", "a").expect_err("a failure");
    assert!(failure.reason.contains("changed while it was moved"), "{}", failure.reason);
    assert_eq!((folder.names(""), folder.read("a")), (vec!["a".to_owned()], b"content".to_vec()));
}
