//! Reading and writing directories with everything in them.

use super::*;
use cofferdam_protocol::{EntryKind, FileKind, InputEntry, Message};
use std::os::unix::fs::symlink;

fn entry(path: &str, kind: EntryKind) -> Message {
    Message::Entry(InputEntry { path: path.to_owned(), kind })
}

fn file(path: &str) -> Message {
    entry(path, EntryKind::File(0o640))
}

fn write_tree(folder: &Folder, sent: &[Message]) -> Vec<FileReply> {
    call(&FileRequest::WriteTree(folder.path("tree")), &messages(sent))
}

fn write_failure(folder: &Folder, sent: &[Message]) -> FileErrorKind {
    match write_tree(folder, sent).pop() {
        Some(FileReply::Failed(failure)) => failure.error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tree_is_written_with_its_modes_and_links() {
    let folder = Folder::new();
    let content = vec![b'x'; 200_000];
    let sent = [
        entry("closed", EntryKind::Directory(0o500)),
        file("closed/a"),
        Message::Content(content[..100_000].to_vec()),
        Message::Content(content[100_000..].to_vec()),
        entry("closed/below", EntryKind::Directory(0o511)),
        file("implied/b"),
        entry("link", EntryKind::Link("../outside".to_owned())),
        entry(".", EntryKind::Directory(0o711)),
    ];
    assert_eq!(write_tree(&folder, &sent), [FileReply::Done]);
    assert_eq!(folder.names("tree"), ["closed", "implied", "link"]);
    assert!(folder.read("tree/closed/a") == content);
    let modes =
        ["tree", "tree/closed", "tree/closed/below", "tree/closed/a", "tree/implied", "tree/implied/b"]
            .map(|path| folder.mode(path));
    assert_eq!(modes, [0o711, 0o500, 0o511, 0o640, 0o755, 0o640]);
    assert_eq!(fs::read_link(folder.join("tree/link")).expect("a link"), Path::new("../outside"));
}

#[test]
fn a_tree_replaces_files_and_links_and_keeps_the_rest() {
    let folder = Folder::new();
    folder.write("tree/a", b"old");
    folder.write("tree/kept", b"kept");
    folder.write("outside", b"precious");
    symlink("../outside", folder.join("tree/link")).expect("a link");
    let sent = [
        file("a"),
        Message::Content(b"new".to_vec()),
        file("link"),
        Message::Content(b"file".to_vec()),
        entry("kept", EntryKind::Link("a".to_owned())),
    ];
    assert_eq!(write_tree(&folder, &sent), [FileReply::Done]);
    assert_eq!((folder.read("tree/a"), folder.read("tree/link")), (b"new".to_vec(), b"file".to_vec()));
    assert_eq!(fs::read_link(folder.join("tree/kept")).expect("a link"), Path::new("a"));
    assert_eq!(folder.read("outside"), b"precious");
}

#[test]
fn nothing_is_written_outside_the_directory() {
    let folder = Folder::new();
    fs::create_dir(folder.join("outside")).expect("a directory");
    for (path, kind) in [
        ("../outside/a", FileErrorKind::InvalidPath),
        ("b/../../outside/a", FileErrorKind::InvalidPath),
        ("/outside/a", FileErrorKind::InvalidPath),
        ("", FileErrorKind::InvalidPath),
        ("a\0b", FileErrorKind::InvalidPath),
        (".", FileErrorKind::IsDirectory),
    ] {
        assert_eq!(write_failure(&folder, &[file(path)]), kind, "{path:?}");
    }
    let link = entry("link", EntryKind::Link("../outside".to_owned()));
    for below in [file("link/a"), entry("link", EntryKind::Directory(0o700)), file("link/b/c")] {
        assert_eq!(write_failure(&folder, &[link.clone(), below]), FileErrorKind::NotDirectory);
    }
    assert!(folder.names("outside").is_empty());
}

#[test]
fn what_is_in_the_way_is_an_error() {
    let folder = Folder::new();
    folder.write("tree/file", b"old");
    folder.write("tree/dir/a", b"");
    assert_eq!(write_failure(&folder, &[file("file/a")]), FileErrorKind::NotDirectory);
    assert_eq!(write_failure(&folder, &[file("dir")]), FileErrorKind::IsDirectory);
    let link = entry("dir", EntryKind::Link("a".to_owned()));
    assert_eq!(write_failure(&folder, &[link]), FileErrorKind::IsDirectory);
    assert_eq!(folder.names("tree"), ["dir", "file"]);
}

#[test]
fn a_stream_that_is_cut_or_out_of_order_leaves_no_part_of_a_file() {
    let folder = Folder::new();
    let sent = messages(&[file("a"), Message::Content(vec![b'x'; 1000])]);
    let request = FileRequest::WriteTree(folder.path("tree"));
    let cut = call(&request, &sent[..sent.len() - 1]);
    assert!(matches!(cut.as_slice(), [FileReply::Failed(_)]), "{cut:?}");
    assert_eq!(write_failure(&folder, &[Message::Content(vec![b'x'])]), FileErrorKind::Other);
    assert_eq!(write_failure(&folder, &[file("a"), Message::Ping]), FileErrorKind::Other);
    assert_eq!(folder.names("tree"), ["a"]);
}

#[test]
fn a_tree_is_read_as_it_was_written() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    folder.write("tree/dir/a", &content);
    folder.write("tree/empty", b"");
    folder.write("tree/.cofferdam-write-7", b"half of a file");
    symlink("dir", folder.join("tree/link")).expect("a link");
    let mut read = Vec::new();
    for reply in call(&FileRequest::ReadTree(folder.path("tree")), b"") {
        match reply {
            FileReply::Entry(entry) => read.push((entry, Vec::new())),
            FileReply::Content(bytes) => read.last_mut().expect("an entry").1.extend(bytes),
            last => assert_eq!(last, FileReply::Done),
        }
    }
    read.sort_by(|one, other| one.0.path.cmp(&other.0.path));
    let read: Vec<_> =
        read.iter().map(|(entry, bytes)| (entry.path.as_slice(), entry.kind, bytes.as_slice())).collect();
    let expected: [(&[u8], _, &[u8]); 4] = [
        (b"dir", FileKind::Directory, b""),
        (b"dir/a", FileKind::File, &content),
        (b"empty", FileKind::File, b""),
        (b"link", FileKind::Link, b""),
    ];
    assert!(read == expected, "{:?}", read.iter().map(|(path, ..)| path).collect::<Vec<_>>());
}

#[test]
fn a_tree_that_may_not_be_read_is_refused_before_anything_of_it_is_sent() {
    let folder = Folder::new();
    folder.write("tree/a", b"");
    folder.write("tree/dir/b", b"");
    folder.write("tree/dir/c", b"");
    for (path, mode) in [("tree/dir/b", 0o644), ("tree/dir", 0o755)] {
        chmod(&folder, path, 0);
        let replies = thread::scope(|scope| {
            let call = || {
                without_override();
                call(&FileRequest::ReadTree(folder.path("tree")), b"")
            };
            scope.spawn(call).join().expect("replies")
        });
        chmod(&folder, path, mode);
        let [FileReply::Failed(failure)] = replies.as_slice() else { panic!("{replies:?}") };
        assert_eq!((failure.error, &failure.path), (FileErrorKind::PermissionDenied, &folder.path(path)));
    }
}
