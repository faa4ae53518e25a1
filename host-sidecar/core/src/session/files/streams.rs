//! What file calls read and write as streams.

use super::{FileCall, errors};
use bytes::Bytes;
use cofferdam_protocol::{CONTROL, ChangeKind, FileEntry, FileReply, InputEntry, Message, encode};
use cofferdam_types::Error;

/// Bytes of content in one message of a tree.
const MAX_CONTENT: usize = 64 << 10;

/// Reads a file.
#[derive(Debug)]
pub struct FileReader {
    call: FileCall,
    has_ended: bool,
}

/// Writes a file, which replaces the one of its path when it is finished, and only then.
#[derive(Debug)]
pub struct FileWriter(pub(super) FileCall);

/// Reads a directory with everything in it.
#[derive(Debug)]
pub struct TreeReader {
    call: FileCall,
    /// Whether content may follow.
    is_in_file: bool,
    has_ended: bool,
}

/// Writes files into a directory.
#[derive(Debug)]
pub struct TreeWriter(pub(super) FileCall);

/// Changes in a directory, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    call: FileCall,
    has_ended: bool,
}

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

impl FileReader {
    pub(super) fn new(call: FileCall) -> Self {
        Self { call, has_ended: false }
    }

    /// The next bytes; none after the last ones. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The rest cannot be read, or the session has ended.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        match self.call.next().await? {
            Some(FileReply::Content(bytes)) => Ok(Some(bytes.into())),
            Some(_) => Err(self.call.violated()),
            None => {
                self.has_ended = true;
                Ok(None)
            }
        }
    }
}

impl FileWriter {
    /// Writes the next bytes.
    ///
    /// # Errors
    ///
    /// The sandbox says why it cannot, or the session has ended.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.0.send(&bytes).await
    }

    /// Waits until the write fails, such as by the end of the session. Nothing is lost if the future is dropped.
    pub async fn failure(&mut self) -> Error {
        self.0.failure().await
    }

    /// Ends the file, which then has its path.
    ///
    /// # Errors
    ///
    /// As for [`Self::write`].
    pub async fn finish(self) -> Result<(), Error> {
        self.0.finish().await
    }
}

impl TreeReader {
    pub(super) fn new(call: FileCall) -> Self {
        Self { call, is_in_file: false, has_ended: false }
    }

    /// The next part; none after the last one. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The rest cannot be read, or the session has ended.
    pub async fn next(&mut self) -> Result<Option<TreePart>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        match self.call.next().await? {
            Some(FileReply::Entry(entry)) => {
                self.is_in_file = entry.kind == cofferdam_protocol::FileKind::File;
                Ok(Some(TreePart::Entry(entry)))
            }
            Some(FileReply::Content(bytes)) if self.is_in_file => Ok(Some(TreePart::Content(bytes.into()))),
            Some(_) => Err(self.call.violated()),
            None => {
                self.has_ended = true;
                Ok(None)
            }
        }
    }
}

impl TreeWriter {
    /// Writes the next entry.
    ///
    /// # Errors
    ///
    /// The sandbox says why it cannot, or the session has ended.
    pub async fn entry(&mut self, entry: InputEntry) -> Result<(), Error> {
        self.send(&Message::Entry(entry)).await
    }

    /// Writes the next bytes of the last entry, a regular file.
    ///
    /// # Errors
    ///
    /// As for [`Self::entry`].
    pub async fn content(&mut self, bytes: Bytes) -> Result<(), Error> {
        for chunk in bytes.chunks(MAX_CONTENT) {
            self.send(&Message::Content(chunk.to_vec())).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: &Message) -> Result<(), Error> {
        let bytes = encode(CONTROL, message).map_err(|malformed| errors::invalid(malformed.to_string()))?;
        self.0.send(&bytes).await
    }

    /// Waits until the write fails, such as by the end of the session. Nothing is lost if the future is dropped.
    pub async fn failure(&mut self) -> Error {
        self.0.failure().await
    }

    /// Ends the files.
    ///
    /// # Errors
    ///
    /// As for [`Self::entry`].
    pub async fn finish(self) -> Result<(), Error> {
        self.0.finish().await
    }
}

impl Watch {
    pub(super) fn new(call: FileCall) -> Self {
        Self { call, has_ended: false }
    }

    /// The next change; none after an error, such as that the session has ended. Nothing is lost if the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Result<FileChange, Error>> {
        if self.has_ended {
            return None;
        }
        let change = match self.call.next().await {
            Ok(Some(FileReply::Change(kind, path))) => Ok(FileChange::Changed { kind, path }),
            Ok(Some(FileReply::Overflow)) => Ok(FileChange::Overflow),
            Ok(_) => Err(self.call.violated()),
            Err(error) => Err(error),
        };
        self.has_ended = change.is_err();
        Some(change)
    }
}
