//! Watching directories.

use super::*;
use crate::files::watch::watch;
use cofferdam_protocol::ChangeKind;
use std::io::PipeWriter;

/// A watch in a thread of its own.
struct Watch {
    replies: PipeReader,
    decoder: Decoder<FileReply>,
    /// Ends the watch.
    input: PipeWriter,
    thread: thread::JoinHandle<Result<(), FileFailure>>,
}

impl Watch {
    fn start(path: Vec<u8>, recursive: bool) -> Self {
        let (data, input) = pipe().expect("a pipe");
        let (replies, output) = pipe().expect("a pipe");
        let thread = thread::spawn(move || {
            serve(
                &FileRequest::Watch(path, recursive),
                &Input { data: data.as_fd(), abort: None },
                output.as_fd(),
            )
        });
        let mut watch = Self { replies, decoder: Decoder::default(), input, thread };
        assert_eq!(watch.next(), Some(FileReply::Done));
        watch
    }

    fn next(&mut self) -> Option<FileReply> {
        loop {
            if let Some((_, reply)) = self.decoder.next().expect("a reply") {
                return Some(reply);
            }
            let mut chunk = [0; 4096];
            match self.replies.read(&mut chunk).expect("replies") {
                0 => return None,
                length => self.decoder.push(&chunk[..length]),
            }
        }
    }

    fn next_change(&mut self) -> (ChangeKind, String) {
        match self.next() {
            Some(FileReply::Change(kind, path)) => (kind, String::from_utf8(path).expect("a path of text")),
            other => panic!("{other:?}"),
        }
    }

    /// Reads up to a change, and returns the changes before it.
    fn until(&mut self, kind: ChangeKind, path: &str) -> Vec<(ChangeKind, String)> {
        let mut before = Vec::new();
        loop {
            match self.next_change() {
                change if change == (kind, path.to_owned()) => return before,
                change => before.push(change),
            }
        }
    }
}

#[test]
fn changes_in_a_directory_are_reported() {
    let folder = Folder::new();
    fs::create_dir(folder.join("dir")).expect("a directory");
    let mut watch = Watch::start(folder.path(""), false);
    folder.write("a", b"content");
    watch.until(ChangeKind::Created, "a");
    watch.until(ChangeKind::Modified, "a");
    folder.write("dir/below", b"");
    fs::rename(folder.join("a"), folder.join("b")).expect("a rename");
    let before = watch.until(ChangeKind::Removed, "a");
    assert!(before.iter().all(|(_, path)| !path.contains("below")), "{before:?}");
    watch.until(ChangeKind::Created, "b");
    fs::remove_file(folder.join("b")).expect("a removal");
    watch.until(ChangeKind::Removed, "b");
    drop(watch.input);
    assert_eq!(watch.thread.join().expect("no panic"), Ok(()));
}

#[test]
fn a_write_of_ours_is_one_creation() {
    let folder = Folder::new();
    let mut watch = Watch::start(folder.path(""), false);
    done(&FileRequest::Write(folder.path("a"), None), b"content");
    assert_eq!(watch.next_change(), (ChangeKind::Created, "a".to_owned()));
}

#[test]
fn new_and_moved_directories_are_watched_too() {
    let folder = Folder::new();
    folder.write("other/tree/deep/x", b"");
    folder.write("watched/first/a", b"");
    let mut watch = Watch::start(folder.path("watched"), true);
    folder.write("watched/first/b", b"");
    watch.until(ChangeKind::Created, "first/b");
    folder.write("watched/new/below/c", b"");
    watch.until(ChangeKind::Created, "new/below/c");
    folder.write("watched/new/below/d", b"");
    watch.until(ChangeKind::Created, "new/below/d");
    fs::rename(folder.join("other/tree"), folder.join("watched/tree")).expect("a rename");
    watch.until(ChangeKind::Created, "tree/deep/x");
    fs::rename(folder.join("watched/tree"), folder.join("watched/moved")).expect("a rename");
    watch.until(ChangeKind::Created, "moved/deep/x");
    folder.write("watched/moved/deep/y", b"");
    let before = watch.until(ChangeKind::Created, "moved/deep/y");
    assert!(before.iter().all(|(_, path)| !path.starts_with("tree")), "{before:?}");
    fs::rename(folder.join("watched/moved"), folder.join("other/gone")).expect("a rename");
    watch.until(ChangeKind::Removed, "moved");
    folder.write("other/gone/deep/z", b"");
    folder.write("watched/last", b"");
    let before = watch.until(ChangeKind::Created, "last");
    assert!(before.iter().all(|(_, path)| !path.contains("deep")), "{before:?}");
}

#[test]
fn a_watch_ends_when_its_directory_is_removed_or_moved() {
    let folder = Folder::new();
    for end in
        [|path: &Path| fs::remove_dir(path), |path: &Path| fs::rename(path, path.with_extension("moved"))]
    {
        fs::create_dir(folder.join("watched")).expect("a directory");
        let mut watch = Watch::start(folder.path("watched"), true);
        end(&folder.join("watched")).expect("an end");
        let Some(FileReply::Failed(failure)) = watch.next() else { panic!("no failure") };
        assert_eq!((failure.error, failure.path), (FileErrorKind::NotFound, folder.path("watched")));
        assert_eq!(watch.next(), None);
    }
}

#[test]
fn a_slow_reader_is_told_that_changes_are_lost_and_gets_those_after() {
    let folder = Folder::new();
    let (data, _open) = pipe().expect("a pipe");
    let (replies, output) = pipe().expect("a pipe");
    let path = folder.path("");
    let long = "x".repeat(200);
    let thread = thread::spawn(move || {
        watch(&path, false, &Input { data: data.as_fd(), abort: None }, output.as_fd())
    });
    let (closed, input) = pipe().expect("a pipe");
    drop(closed);
    let mut watch = Watch { replies, decoder: Decoder::default(), input, thread };
    assert_eq!(watch.next(), Some(FileReply::Done));
    // More than the queue and the kernel's queue have room for, and nobody reads.
    for number in 0..40_000 {
        let path = folder.join(&format!("{long}{}", number % 2));
        fs::write(&path, b"").expect("a file");
        fs::remove_file(&path).expect("a removal");
    }
    while watch.next() != Some(FileReply::Overflow) {}
    folder.write("after", b"");
    loop {
        if let Some(FileReply::Change(ChangeKind::Created, path)) = watch.next()
            && path == b"after"
        {
            break;
        }
    }
}
