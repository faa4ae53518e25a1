//! Reading and describing files.

use super::*;
use crate::files::{read::send_content, replies::Replies};
use cofferdam_protocol::FileKind;
use std::{
    fs::{File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    time::{Duration, UNIX_EPOCH},
};

fn content(replies: &[FileReply]) -> Vec<u8> {
    let of =
        |reply: &FileReply| if let FileReply::Content(bytes) = reply { bytes.clone() } else { Vec::new() };
    replies.iter().flat_map(of).collect()
}

#[test]
fn a_binary_file_is_read_exactly() {
    let folder = Folder::new();
    for length in [0, 1, 64 << 10, (64 << 10) + 1, 1_000_003] {
        let written: Vec<u8> = (0..=255).cycle().take(length).collect();
        folder.write("a", &written);
        let replies = call(&FileRequest::Read(folder.path("a")), b"");
        let Some(FileReply::Entry(entry)) = replies.first() else { panic!("{replies:?}") };
        assert_eq!(
            (entry.kind, entry.size, entry.path.clone()),
            (FileKind::File, length as u64, folder.path("a"))
        );
        assert_eq!(replies.last(), Some(&FileReply::Done));
        assert!(content(&replies) == written, "{length} bytes");
        let is_short =
            |reply: &FileReply| !matches!(reply, FileReply::Content(bytes) if bytes.len() > 64 << 10);
        assert!(replies.iter().all(is_short));
    }
}

#[test]
fn a_link_is_read_as_what_it_leads_to() {
    let folder = Folder::new();
    folder.write("a", b"content");
    symlink("a", folder.join("link")).expect("a link");
    assert_eq!(content(&call(&FileRequest::Read(folder.path("link")), b"")), b"content");
}

#[test]
fn a_file_that_says_that_it_is_empty_is_read() {
    let replies = call(&FileRequest::Read(b"/proc/self/status".to_vec()), b"");
    let Some(FileReply::Entry(entry)) = replies.first() else { panic!("{replies:?}") };
    assert!(content(&replies).starts_with(b"Name:"));
    assert_eq!(entry.size, content(&replies).len() as u64);
}

#[test]
fn a_file_that_grows_ends_at_its_first_size_and_one_that_shrinks_is_a_failure() {
    let folder = Folder::new();
    folder.write("a", b"0123456789");
    let read = |size| {
        let (reader, output) = pipe().expect("a pipe");
        let file = File::open(folder.join("a")).expect("a file");
        let mut sent = Replies::new(output.as_fd());
        let result = send_content(file.as_fd(), size, b"a", &mut sent);
        sent.finish(&FileReply::Done).expect("a reader");
        drop(output);
        (result.map_err(|failure| failure.error), content(&replies(reader)))
    };
    assert_eq!(read(4), (Ok(()), b"0123".to_vec()));
    assert_eq!(read(11), (Err(FileErrorKind::Other), b"0123456789".to_vec()));
}

#[test]
fn a_path_is_described_and_a_link_not_followed() {
    let folder = Folder::new();
    folder.write("a", b"content");
    let modified = Duration::new(1_700_000_000, 5);
    let file = File::options().write(true).open(folder.join("a")).expect("a file");
    file.set_modified(UNIX_EPOCH + modified).expect("a time");
    fs::set_permissions(folder.join("a"), Permissions::from_mode(0o751)).expect("a mode");
    symlink("nowhere", folder.join("link")).expect("a link");

    let stat = |path| entries(&FileRequest::Stat(folder.path(path))).pop().expect("an entry");
    let file = FileEntry {
        path: folder.path("a"),
        kind: FileKind::File,
        size: 7,
        mode: 0o751,
        modified,
        target: vec![],
    };
    assert_eq!(stat("a"), file);
    let link = stat("link");
    assert_eq!((link.kind, link.size, link.target.as_slice()), (FileKind::Link, 7, b"nowhere".as_slice()));
    assert_eq!(stat("").kind, FileKind::Directory);
    assert_eq!(error(&FileRequest::Stat(folder.path("b"))), FileErrorKind::NotFound);
}

#[test]
fn a_relative_path_is_reported_as_an_absolute_one() {
    let entry = entries(&FileRequest::Stat(b"Cargo.toml".to_vec())).pop().expect("an entry");
    assert_eq!(entry.path, bytes(&env::current_dir().expect("a directory").join("Cargo.toml")));
}
