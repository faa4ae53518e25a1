//! File calls of a session. Paths are bytes, as in POSIX; relative ones begin at the working directory.

use crate::envelope::{Malformed, Payload, from_body, to_body, with_bytes, without_body};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// A call that concerns files of the sandbox. Only regular files and directories are opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileRequest {
    /// Reads a regular file: [`FileReply::Entry`], then [`FileReply::Content`] to its end.
    Read(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Writes standard input, to its end, to a regular file that replaces what has its path, if that is a regular file
    /// or a link to one. Missing directories above it are made. A new file has these permission bits, or 644; an
    /// existing one keeps its own without.
    Write(#[serde(with = "serde_bytes")] Vec<u8>, Option<u32>),
    /// Lists a directory to this depth, 1 for its own entries: an [`FileReply::Entry`] for each, with paths relative
    /// to it.
    List(#[serde(with = "serde_bytes")] Vec<u8>, u32),
    /// Describes what has a path: [`FileReply::Entry`]. A symbolic link is not followed.
    Stat(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Makes a directory with these permission bits, and missing ones above it. One that exists stays as it is.
    MakeDirectory(#[serde(with = "serde_bytes")] Vec<u8>, u32),
    /// Moves a file or a directory, and replaces a file. To another mount, only files and links are moved.
    Move(#[serde(with = "serde_bytes")] Vec<u8>, #[serde(with = "serde_bytes")] Vec<u8>),
    /// Removes a file, or a directory with everything in it.
    Remove(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Reads a directory with everything in it: an [`FileReply::Entry`] for each with its path relative to it, and
    /// after a regular file its [`FileReply::Content`]. Other kinds of files are skipped.
    ReadTree(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Writes what standard input has in envelopes into a directory, which is made: a
    /// [`Message::Entry`](crate::Message::Entry) for each file, directory and link, and a file's
    /// [`Message::Content`](crate::Message::Content).
    WriteTree(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Reports changes in a directory, and below it if the flag is set, until standard input ends:
    /// [`FileReply::Done`] once it watches, then [`FileReply::Change`]s.
    Watch(#[serde(with = "serde_bytes")] Vec<u8>, bool),
}

/// What has a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path: absolute, or relative to the directory of the call.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Bytes of a regular file, or of a link's target.
    pub size: u64,
    /// The permission bits.
    pub mode: u32,
    /// When it was last changed, since 1970.
    pub modified: Duration,
    /// The target of a symbolic link, else empty.
    #[serde(with = "serde_bytes")]
    pub target: Vec<u8>,
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else, such as a device, a FIFO or a socket.
    Other,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// It was created, or moved to this path.
    Created,
    /// Its content or its permissions changed.
    Modified,
    /// It was removed, or moved from this path.
    Removed,
}

/// The answer to a [`FileRequest`], in one or more parts. The last is `Done` or `Failed`, except of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileReply {
    /// The call has succeeded.
    Done,
    /// The call has failed.
    Failed(FileFailure),
    /// A file, directory or link.
    Entry(FileEntry),
    /// The next bytes of the last file.
    Content(Vec<u8>),
    /// What happened to the file with this path, relative to the watched directory.
    Change(ChangeKind, Vec<u8>),
    /// Changes were lost, as too many came at once.
    Overflow,
}

/// Why a file call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFailure {
    /// The kind of failure.
    pub error: FileErrorKind,
    /// The path that it concerns.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// The kernel's words, or what the runner found.
    pub reason: String,
}

/// The kind of a failure of a file call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileErrorKind {
    /// Nothing has this path.
    NotFound,
    /// The path is not allowed: empty, with a NUL byte, or too long.
    InvalidPath,
    /// The path exists already.
    Exists,
    /// A directory was found where a file is meant.
    IsDirectory,
    /// A file was found where a directory is meant.
    NotDirectory,
    /// It is neither a regular file nor a directory.
    NotRegular,
    /// The program has no right to do this.
    PermissionDenied,
    /// The disk of the session is full.
    DiskFull,
    /// More entries than one call may handle.
    TooManyEntries,
    /// Links lead in a circle.
    LinkLoop,
    /// Anything else.
    Other,
}

const DONE: u16 = 1;
const FAILED: u16 = 2;
const ENTRY: u16 = 3;
const CONTENT: u16 = 4;
const CHANGE: u16 = 5;
const OVERFLOW: u16 = 6;

impl Payload for FileReply {
    fn encode_body(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), Malformed> {
        Ok(match self {
            Self::Done => (DONE, bytes),
            Self::Failed(failure) => (FAILED, to_body(bytes, failure)?),
            Self::Entry(entry) => (ENTRY, to_body(bytes, entry)?),
            Self::Content(content) => (CONTENT, with_bytes(bytes, content)),
            Self::Change(kind, path) => (CHANGE, to_body(bytes, &(kind, path))?),
            Self::Overflow => (OVERFLOW, bytes),
        })
    }

    fn decode_body(kind: u16, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let reply = match kind {
            DONE => without_body(Self::Done, body),
            FAILED => from_body(body).map(Self::Failed),
            ENTRY => from_body(body).map(Self::Entry),
            CONTENT => Ok(Self::Content(body.to_owned())),
            CHANGE => from_body(body).map(|(kind, path)| Self::Change(kind, path)),
            OVERFLOW => without_body(Self::Overflow, body),
            _ => return Ok(None),
        };
        reply.map(Some)
    }
}
