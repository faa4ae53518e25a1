//! Calls as a session makes them: a request, input through a pipe, replies through a pipe.

mod change;
mod hostile;
mod list;
mod move_across;
mod read;
mod tree;
mod watch;
mod write;

use super::{input::Input, serve};
use cofferdam_protocol::{
    CONTROL, Decoder, FileEntry, FileErrorKind, FileFailure, FileReply, FileRequest, Payload, encode,
};
use rustix::{fs::Mode, process::umask};
use std::{
    env,
    fs::{self, Permissions},
    io::{PipeReader, Read, Write, pipe},
    os::{
        fd::AsFd,
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, PermissionsExt},
        },
    },
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

/// A folder of its own for a test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        umask(Mode::empty());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("cofferdam-files-{}-{number}", process::id()));
        fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// The path in it, as in a request.
    fn path(&self, path: &str) -> Vec<u8> {
        bytes(&self.join(path))
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, content).expect("a file");
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.join(path)).expect("a file")
    }

    fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.join(path)).expect("a file").mode() & 0o7777
    }

    /// The names in a directory, sorted.
    fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.join(path)).expect("a directory");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("a folder");
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// A call with this input, and its replies.
fn call(request: &FileRequest, input: &[u8]) -> Vec<FileReply> {
    let (data, mut writer) = pipe().expect("a pipe");
    let (reader, output) = pipe().expect("a pipe");
    thread::scope(|scope| {
        // A call that fails early does not read its input.
        scope.spawn(move || writer.write_all(input));
        let replies = scope.spawn(|| replies(reader));
        serve(request, &Input { data: data.as_fd(), abort: None }, output.as_fd()).expect("a reader");
        drop((data, output));
        replies.join().expect("replies")
    })
}

/// All replies up to the end.
fn replies(mut reader: PipeReader) -> Vec<FileReply> {
    let mut received = Vec::new();
    reader.read_to_end(&mut received).expect("replies");
    let mut decoder = Decoder::default();
    decoder.push(&received);
    let mut replies = Vec::new();
    while let Some((channel, reply)) = decoder.next().expect("a reply") {
        assert_eq!(channel, CONTROL);
        replies.push(reply);
    }
    assert!(decoder.is_empty(), "a reply is cut");
    replies
}

fn done(request: &FileRequest, input: &[u8]) {
    assert_eq!(call(request, input), [FileReply::Done]);
}

fn failure(request: &FileRequest) -> FileFailure {
    match call(request, b"x").pop() {
        Some(FileReply::Failed(failure)) => failure,
        other => panic!("no failure of {request:?}: {other:?}"),
    }
}

fn error(request: &FileRequest) -> FileErrorKind {
    failure(request).error
}

/// The entries of a call that succeeds, sorted by path.
fn entries(request: &FileRequest) -> Vec<FileEntry> {
    let mut replies = call(request, b"");
    assert_eq!(replies.pop(), Some(FileReply::Done));
    let mut entries: Vec<_> = replies
        .into_iter()
        .filter_map(|reply| if let FileReply::Entry(entry) = reply { Some(entry) } else { None })
        .collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries
}

fn paths(entries: &[FileEntry]) -> Vec<&str> {
    entries.iter().map(|entry| str::from_utf8(&entry.path).expect("a path of text")).collect()
}

/// Messages, encoded.
fn messages<P: Payload>(messages: &[P]) -> Vec<u8> {
    messages.iter().flat_map(|message| encode(CONTROL, message).expect("a message")).collect()
}

fn chmod(folder: &Folder, path: &str, mode: u32) {
    fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).expect("a mode");
}

/// Takes from this thread what lets root read everything.
fn without_override() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).expect("the capabilities");
    let removed = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    // access(2) of root uses those that are permitted.
    (sets.effective, sets.permitted) = (sets.effective - removed, sets.permitted - removed);
    set_capabilities(None, sets).expect("fewer capabilities");
}

/// A pipe whose end has come.
fn ended() -> PipeReader {
    let (reader, _) = pipe().expect("a pipe");
    reader
}
