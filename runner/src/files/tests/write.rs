//! Writing files.

use super::*;
use crate::files::{temporary::Temporary, write::write};
use std::{
    fs::{File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

fn request(path: Vec<u8>) -> FileRequest {
    FileRequest::Write(path, None)
}

#[test]
fn a_new_file_is_written_with_the_directories_above_it() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..=255).cycle().take(1_000_003).collect();
    done(&request(folder.path("a/b/c")), &content);
    assert!(folder.read("a/b/c") == content);
    assert_eq!((folder.mode("a/b"), folder.mode("a/b/c")), (0o755, 0o644));
    done(&FileRequest::Write(folder.path("d"), Some(0o7700)), b"");
    assert_eq!((folder.mode("d"), folder.read("d")), (0o700, Vec::new()));
    assert_eq!(folder.names("a/b"), ["c"]);
}

#[test]
fn an_existing_file_keeps_its_mode_unless_one_is_given() {
    let folder = Folder::new();
    folder.write("a", b"a longer content");
    fs::set_permissions(folder.join("a"), Permissions::from_mode(0o751)).expect("a mode");
    done(&request(folder.path("a")), b"short");
    assert_eq!((folder.read("a").as_slice(), folder.mode("a")), (b"short".as_slice(), 0o751));
    done(&FileRequest::Write(folder.path("a"), Some(0o600)), b"x");
    assert_eq!(folder.mode("a"), 0o600);
}

#[test]
fn a_link_stays_and_its_target_is_written() {
    let folder = Folder::new();
    folder.write("dir/a", b"old");
    symlink("dir/a", folder.join("link")).expect("a link");
    symlink("link", folder.join("second")).expect("a link");
    symlink(folder.join("new/b"), folder.join("dangling")).expect("a link");
    done(&request(folder.path("second")), b"new");
    done(&request(folder.path("dangling")), b"made");
    assert_eq!((folder.read("dir/a"), folder.read("new/b")), (b"new".to_vec(), b"made".to_vec()));
    assert_eq!(folder.names(""), ["dangling", "dir", "link", "new", "second"]);
    assert!(folder.join("link").is_symlink() && folder.join("dangling").is_symlink());
}

#[test]
fn nothing_is_seen_of_a_file_before_it_is_complete_and_the_last_rename_wins() {
    let folder = Folder::new();
    folder.write("a", b"old");
    let directory = File::open(&folder.0).expect("a directory");
    let mut one = Temporary::create(directory.as_fd()).expect("a file");
    let mut other = Temporary::create(directory.as_fd()).expect("a file");
    one.write_all(b"one").expect("room");
    other.write_all(b"other").expect("room");
    assert_eq!(folder.read("a"), b"old");
    assert_eq!(paths(&entries(&FileRequest::List(folder.path(""), 1))), ["a"]);
    other.commit(b"a", 0o644).expect("a rename");
    assert_eq!(folder.read("a"), b"other");
    let mut reader = File::open(folder.join("a")).expect("a file");
    one.commit(b"a", 0o644).expect("a rename");
    let mut content = Vec::new();
    reader.read_to_end(&mut content).expect("the content");
    assert_eq!((content.as_slice(), folder.read("a").as_slice()), (b"other".as_slice(), b"one".as_slice()));
    assert_eq!(folder.names(""), ["a"]);
}

#[test]
fn an_aborted_write_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    folder.write("a", b"old");
    let (data, mut writer) = pipe().expect("a pipe");
    writer.write_all(b"new").expect("room in the pipe");
    let abort = ended();
    let input = Input { data: data.as_fd(), abort: Some(abort.as_fd()) };
    let failure = write(&folder.path("a"), None, &input).expect_err("an abort");
    assert_eq!(failure.reason, "the write was aborted");
    assert_eq!((folder.names(""), folder.read("a")), (vec!["a".to_owned()], b"old".to_vec()));
}

#[test]
fn the_next_write_takes_over_what_a_killed_one_has_left() {
    let folder = Folder::new();
    folder.write(".cofferdam-write-0", b"a long rest of a write that was killed");
    fs::set_permissions(folder.join(".cofferdam-write-0"), Permissions::from_mode(0o600)).expect("a mode");
    done(&request(folder.path("a")), b"content");
    assert_eq!((folder.names(""), folder.read("a")), (vec!["a".to_owned()], b"content".to_vec()));
}

#[test]
fn what_a_program_has_put_in_the_way_is_left_alone() {
    let folder = Folder::new();
    folder.write("victim", b"precious");
    fs::hard_link(folder.join("victim"), folder.join(".cofferdam-write-0")).expect("a link");
    symlink("victim", folder.join(".cofferdam-write-1")).expect("a link");
    fs::create_dir(folder.join(".cofferdam-write-2")).expect("a directory");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.join(".cofferdam-write-3"),
        rustix::fs::FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .expect("a FIFO");
    done(&request(folder.path("a")), b"content");
    assert_eq!((folder.read("a"), folder.read("victim")), (b"content".to_vec(), b"precious".to_vec()));
    assert_eq!(folder.names("").len(), 6);
}

#[test]
fn a_write_that_does_not_fit_leaves_nothing() {
    let folder = Folder::new();
    fs::create_dir(folder.join("full")).expect("a directory");
    // The mount is in a namespace of this thread only.
    if nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).is_err() {
        eprintln!("skipped: it needs the right to mount");
        return;
    }
    let (full, propagation) = (folder.join("full"), rustix::mount::MountPropagationFlags::PRIVATE);
    rustix::mount::mount_change("/", propagation | rustix::mount::MountPropagationFlags::REC)
        .expect("private mounts");
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", &full, "tmpfs", flags, Some(c"size=64k")).expect("a file system");
    folder.write("full/a", b"old");
    let failed = call(&request(folder.path("full/a")), &vec![b'x'; 1 << 20]).pop();
    let Some(FileReply::Failed(failure)) = failed else { panic!("{failed:?}") };
    assert_eq!(failure.error, FileErrorKind::DiskFull);
    assert_eq!((folder.names("full"), folder.read("full/a")), (vec!["a".to_owned()], b"old".to_vec()));
    rustix::mount::unmount(&full, rustix::mount::UnmountFlags::DETACH).expect("an unmount");
}

#[test]
fn what_cannot_be_a_file_is_refused() {
    let folder = Folder::new();
    folder.write("dir/a", b"");
    symlink("dir", folder.join("to-dir")).expect("a link");
    symlink("loop", folder.join("loop")).expect("a link");
    for (path, kind) in [
        ("dir", FileErrorKind::IsDirectory),
        ("dir/", FileErrorKind::IsDirectory),
        ("dir/..", FileErrorKind::IsDirectory),
        ("to-dir", FileErrorKind::IsDirectory),
        ("new/", FileErrorKind::IsDirectory),
        ("dir/a/b", FileErrorKind::NotDirectory),
        ("dir/a/b/c", FileErrorKind::NotDirectory),
        ("loop", FileErrorKind::LinkLoop),
        ("loop/a", FileErrorKind::LinkLoop),
    ] {
        assert_eq!(error(&request(folder.path(path))), kind, "{path}");
    }
    assert_eq!(error(&request(folder.path(&"x".repeat(256)))), FileErrorKind::InvalidPath);
    assert_eq!(folder.names(""), ["dir", "loop", "to-dir"]);
}
