//! The files of a session.

use bytes::Bytes;
use cofferdam_protocol::{ChangeKind, FileEntry, InputEntry};
use cofferdam_types::Error;

/// The files of a session. Paths are bytes, as in POSIX; relative ones begin at `/work`. Every call has a deadline, and
/// ends when its future or what it gave is dropped.
#[derive(Debug, Clone)]
pub struct Files(());

/// Reads a file.
#[derive(Debug)]
pub struct FileReader(());

/// Writes a file, which replaces the one of its path when it is finished, and only then.
#[derive(Debug)]
pub struct FileWriter(());

/// Reads a directory with everything in it.
#[derive(Debug)]
pub struct TreeReader(());

/// Writes files into a directory.
#[derive(Debug)]
pub struct TreeWriter(());

/// Changes in a directory, until it is dropped.
#[derive(Debug)]
pub struct Watch(());

/// A part of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreePart {
    /// The next entry. Its path is relative to the directory.
    Entry(FileEntry),
    /// The next bytes of the last entry, a regular file.
    Content(Bytes),
}

/// A change in a watched directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// What happened to a file.
    Changed {
        /// What happened.
        kind: ChangeKind,
        /// Its path, relative to the watched directory.
        path: Vec<u8>,
    },
    /// Changes were lost, as too many came at once.
    Overflow,
}

impl Files {
    /// Reads a regular file: what it is, and its content.
    ///
    /// # Errors
    ///
    /// The session has ended, or the sandbox says why it cannot.
    pub async fn read(&self, _path: &[u8]) -> Result<(FileEntry, FileReader), Error> {
        unimplemented!()
    }

    /// Writes a regular file, with these permission bits or its own, else 644.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn write(&self, _path: &[u8], _mode: Option<u32>) -> Result<FileWriter, Error> {
        unimplemented!()
    }

    /// Lists a directory to this depth, 1 for its own entries. Paths are relative to it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn list(&self, _path: &[u8], _depth: u32) -> Result<Vec<FileEntry>, Error> {
        unimplemented!()
    }

    /// What has a path. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn stat(&self, _path: &[u8]) -> Result<FileEntry, Error> {
        unimplemented!()
    }

    /// Makes a directory with these permission bits, and those above it. One that exists stays as it is.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn make_directory(&self, _path: &[u8], _mode: u32) -> Result<(), Error> {
        unimplemented!()
    }

    /// Moves a file or a directory, and replaces a file.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn move_file(&self, _from: &[u8], _to: &[u8]) -> Result<(), Error> {
        unimplemented!()
    }

    /// Removes a file, or a directory with everything in it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn remove(&self, _path: &[u8]) -> Result<(), Error> {
        unimplemented!()
    }

    /// Reads a directory with everything in it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn read_tree(&self, _path: &[u8]) -> Result<TreeReader, Error> {
        unimplemented!()
    }

    /// Writes files into a directory, which is made.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn write_tree(&self, _path: &[u8]) -> Result<TreeWriter, Error> {
        unimplemented!()
    }

    /// Watches a directory, and what is below it if `recursive`.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn watch(&self, _path: &[u8], _recursive: bool) -> Result<Watch, Error> {
        unimplemented!()
    }
}

impl FileReader {
    /// The next bytes; none after the last ones.
    ///
    /// # Errors
    ///
    /// The rest cannot be read, or the session has ended.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        unimplemented!()
    }
}

impl FileWriter {
    /// Writes the next bytes.
    ///
    /// # Errors
    ///
    /// The sandbox says why it cannot, or the session has ended.
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), Error> {
        unimplemented!()
    }

    /// Ends the file, which then has its path.
    ///
    /// # Errors
    ///
    /// As for [`Self::write`].
    pub async fn finish(self) -> Result<(), Error> {
        unimplemented!()
    }
}

impl TreeReader {
    /// The next part; none after the last one.
    ///
    /// # Errors
    ///
    /// The rest cannot be read, or the session has ended.
    pub async fn next(&mut self) -> Result<Option<TreePart>, Error> {
        unimplemented!()
    }
}

impl TreeWriter {
    /// Writes the next entry.
    ///
    /// # Errors
    ///
    /// The sandbox says why it cannot, or the session has ended.
    pub async fn entry(&mut self, _entry: InputEntry) -> Result<(), Error> {
        unimplemented!()
    }

    /// Writes the next bytes of the last entry, a regular file.
    ///
    /// # Errors
    ///
    /// As for [`Self::entry`].
    pub async fn content(&mut self, _bytes: Bytes) -> Result<(), Error> {
        unimplemented!()
    }

    /// Ends the files.
    ///
    /// # Errors
    ///
    /// As for [`Self::entry`].
    pub async fn finish(self) -> Result<(), Error> {
        unimplemented!()
    }
}

impl Watch {
    /// The next change; none after an error.
    pub async fn next(&mut self) -> Option<Result<FileChange, Error>> {
        unimplemented!()
    }
}
