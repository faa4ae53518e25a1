//! What a program may have put where a file is meant. No call waits for it.

use super::*;
use rustix::fs::{CWD, FileType, mknodat};
use std::os::unix::net::UnixListener;

/// Every call for a path, but those that only concern its name.
fn opening(path: &[u8]) -> Vec<FileRequest> {
    let path = || path.to_vec();
    vec![
        FileRequest::Read(path()),
        FileRequest::Write(path(), None),
        FileRequest::List(path(), 1),
        FileRequest::ReadTree(path()),
        FileRequest::WriteTree(path()),
        FileRequest::Watch(path(), true),
        FileRequest::MakeDirectory(path(), 0o700),
    ]
}

fn check(path: &[u8]) {
    for request in opening(path) {
        let expected = match request {
            FileRequest::Read(_) | FileRequest::Write(..) => FileErrorKind::NotRegular,
            _ => FileErrorKind::NotDirectory,
        };
        assert_eq!(error(&request), expected, "{request:?}");
    }
}

#[test]
fn a_fifo_a_socket_and_a_device_are_not_files() {
    let folder = Folder::new();
    mknodat(CWD, folder.join("fifo"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    check(&folder.path("fifo"));
    let _listener = UnixListener::bind(folder.join("socket")).expect("a socket");
    check(&folder.path("socket"));
    check(b"/dev/null");
    check(b"/dev/zero");
}

#[test]
fn a_tree_with_them_is_read_without_them() {
    let folder = Folder::new();
    mknodat(CWD, folder.join("tree-fifo"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    folder.write("a", b"");
    assert_eq!(paths(&entries(&FileRequest::ReadTree(folder.path("")))), ["a"]);
    assert_eq!(paths(&entries(&FileRequest::List(folder.path(""), 1))), ["a", "tree-fifo"]);
    done(&FileRequest::Remove(folder.path("tree-fifo")), b"");
}

#[test]
fn a_path_that_no_file_can_have_is_refused_by_each_call() {
    for path in [b"".as_slice(), b"a\0b", &[b'a'; 5000], &[b'a'; 300]] {
        let named = [
            FileRequest::Stat(path.to_vec()),
            FileRequest::Remove(path.to_vec()),
            FileRequest::Move(path.to_vec(), b"a".to_vec()),
        ];
        for request in opening(path).into_iter().chain(named) {
            assert_eq!(error(&request), FileErrorKind::InvalidPath, "{request:?}");
        }
    }
}

#[test]
fn a_call_without_a_reader_ends() {
    let (reader, output) = pipe().expect("a pipe");
    drop(reader);
    let data = ended();
    let input = Input { data: data.as_fd(), abort: None };
    for request in [
        FileRequest::Stat(b"/".to_vec()),
        FileRequest::Watch(env::temp_dir().into_os_string().into_encoded_bytes(), false),
    ] {
        let result = serve(&request, &input, output.as_fd());
        assert_eq!(result.is_ok(), matches!(request, FileRequest::Watch(..)), "{request:?}");
    }
}
