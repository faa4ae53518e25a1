//! What the caller of a file call is told if it takes too long. Pure.

use cofferdam_protocol::FileRequest;
use cofferdam_types::{Error, ErrorCode, quoted};
use std::time::Duration;

/// The error of a call that did not end within this time: which one it is, what it has changed, and what to do.
pub(super) fn too_slow(request: &FileRequest, time: Duration) -> Error {
    let (call, path, advice) = match request {
        FileRequest::Read(path) => ("read of the file", path, "read it faster, or split it in the session"),
        FileRequest::Write(path, _) => {
            ("write of the file", path, "it has changed nothing; send the bytes faster, or in several files")
        }
        FileRequest::List(path, _) => {
            ("list of the directory", path, "list the directories in it one by one, or with a smaller depth")
        }
        FileRequest::Stat(path) => ("look at", path, BUSY),
        FileRequest::MakeDirectory(path, _) => ("creation of the directory", path, BUSY),
        FileRequest::Move(path, _) => (
            "move of",
            path,
            "a file that is moved to another file system is copied; use `mv` in an execution",
        ),
        FileRequest::Remove(path) => (
            "removal of",
            path,
            "a part of it may be removed; remove the rest again, or use `rm` in an execution",
        ),
        FileRequest::ReadTree(path) => {
            ("read of the directory", path, "read it faster, or the directories in it one by one")
        }
        FileRequest::WriteTree(path) => (
            "write into the directory",
            path,
            "some entries are written; send the others faster, or in parts",
        ),
        FileRequest::Watch(path, _) => ("watch of the directory", path, "watch it again"),
    };
    let path = quoted(&String::from_utf8_lossy(path));
    let message = format!("the {call} {path} took longer than {} s, and has ended; {advice}", time.as_secs());
    Error::new(ErrorCode::Conflict, message)
}

/// What to do if a call that takes no time did.
const BUSY: &str = "try again when the programs of the session are less busy";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_named_with_its_path_its_time_and_what_to_do() {
        let path = || b"a\xff".to_vec();
        for (request, part, advice) in [
            (FileRequest::Read(path()), "the read of the file `a\u{fffd}` took", "read it faster"),
            (FileRequest::Write(path(), None), "the write of the file", "changed nothing"),
            (FileRequest::List(path(), 3), "the list of the directory", "smaller depth"),
            (FileRequest::Stat(path()), "the look at", "less busy"),
            (FileRequest::MakeDirectory(path(), 0), "the creation of", "less busy"),
            (FileRequest::Move(path(), b"b".into()), "the move of", "`mv`"),
            (FileRequest::Remove(path()), "the removal of", "`rm`"),
            (FileRequest::ReadTree(path()), "the read of the directory", "one by one"),
            (FileRequest::WriteTree(path()), "the write into the directory", "in parts"),
        ] {
            let error = too_slow(&request, Duration::from_secs(60));
            assert!(error.message.contains(part) && error.message.contains(advice), "{error}");
            assert!(error.message.contains("`a\u{fffd}` took longer than 60 s, and has ended; "), "{error}");
        }
    }
}
