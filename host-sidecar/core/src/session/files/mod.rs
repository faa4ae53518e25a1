//! The files of a session.

mod call;
mod streams;
mod timeout;

pub use streams::{FileChange, FileReader, FileWriter, TreePart, TreeReader, TreeWriter, Watch};

use super::{Session, errors, policy::MAX_PATH};
use call::FileCall;
use cofferdam_protocol::{FileEntry, FileReply, FileRequest};
use cofferdam_types::{Error, ErrorCode};
use std::time::Duration;

/// Time of a call that is one step.
const STEP_TIME: Duration = Duration::from_secs(60);
/// Time of a call that transfers content.
const TRANSFER_TIME: Duration = Duration::from_secs(900);
/// Entries of one list, at the most.
const MAX_ENTRIES: usize = 100_000;

/// The files of a session. Paths are bytes, as in POSIX; relative ones begin at `/work`. A call has 60 s, or 15 minutes
/// where it transfers content, and ends when its future or what it gave is dropped.
#[derive(Debug, Clone)]
pub struct Files {
    pub(super) session: Session,
}

impl Files {
    /// Reads a regular file: what it is, and its content.
    ///
    /// # Errors
    ///
    /// The session has ended, or the sandbox says why it cannot.
    pub async fn read(&self, path: &[u8]) -> Result<(FileEntry, FileReader), Error> {
        let mut call = self.start(FileRequest::Read(checked(path)?), TRANSFER_TIME).await?;
        match call.next().await? {
            Some(FileReply::Entry(entry)) => Ok((entry, FileReader::new(call))),
            _ => Err(call.violated()),
        }
    }

    /// Writes a regular file, with these permission bits or its own, else 644.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn write(&self, path: &[u8], mode: Option<u32>) -> Result<FileWriter, Error> {
        Ok(FileWriter(self.start(FileRequest::Write(checked(path)?, mode), TRANSFER_TIME).await?))
    }

    /// Lists a directory to this depth, 1 for its own entries. Paths are relative to it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`]. It has more than 100,000 entries.
    pub async fn list(&self, path: &[u8], depth: u32) -> Result<Vec<FileEntry>, Error> {
        if depth == 0 {
            return Err(errors::invalid(
                "the depth of a list is zero; give 1 for the directory's own entries",
            ));
        }
        let mut call = self.start(FileRequest::List(checked(path)?, depth), STEP_TIME).await?;
        let mut entries = Vec::new();
        while let Some(reply) = call.next().await? {
            let FileReply::Entry(entry) = reply else { return Err(call.violated()) };
            if entries.len() == MAX_ENTRIES {
                let message = format!("the list has more than {MAX_ENTRIES} entries; list parts of it");
                return Err(Error::new(ErrorCode::TooLarge, message));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// What has a path. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn stat(&self, path: &[u8]) -> Result<FileEntry, Error> {
        let mut call = self.start(FileRequest::Stat(checked(path)?), STEP_TIME).await?;
        let Some(FileReply::Entry(entry)) = call.next().await? else { return Err(call.violated()) };
        call.done().await?;
        Ok(entry)
    }

    /// Makes a directory with these permission bits, and those above it. One that exists stays as it is.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn make_directory(&self, path: &[u8], mode: u32) -> Result<(), Error> {
        self.step(FileRequest::MakeDirectory(checked(path)?, mode)).await
    }

    /// Moves a file or a directory, and replaces a file. To another file system, such as from `/work` to `/tmp`, only files
    /// and links are moved, and a file is copied, which needs room for both.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn move_file(&self, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.step(FileRequest::Move(checked(from)?, checked(to)?)).await
    }

    /// Removes a file, or a directory with everything in it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn remove(&self, path: &[u8]) -> Result<(), Error> {
        self.step(FileRequest::Remove(checked(path)?)).await
    }

    /// Reads a directory with everything in it.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`]. Some are only known once something is read.
    pub async fn read_tree(&self, path: &[u8]) -> Result<TreeReader, Error> {
        let call = self.start(FileRequest::ReadTree(checked(path)?), TRANSFER_TIME).await?;
        Ok(TreeReader::new(call))
    }

    /// Writes files into a directory, which is made.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn write_tree(&self, path: &[u8]) -> Result<TreeWriter, Error> {
        Ok(TreeWriter(self.start(FileRequest::WriteTree(checked(path)?), TRANSFER_TIME).await?))
    }

    /// Watches a directory, and what is below it if `recursive`, until the watch is dropped.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub async fn watch(&self, path: &[u8], recursive: bool) -> Result<Watch, Error> {
        let request = FileRequest::Watch(checked(path)?, recursive);
        let mut call = FileCall::start(&self.session, request, None).await?;
        call.watching().await?;
        Ok(Watch::new(call))
    }

    async fn start(&self, request: FileRequest, time: Duration) -> Result<FileCall, Error> {
        FileCall::start(&self.session, request, Some(time)).await
    }

    async fn step(&self, request: FileRequest) -> Result<(), Error> {
        self.start(request, STEP_TIME).await?.done().await
    }
}

/// A path that the runner can use.
fn checked(path: &[u8]) -> Result<Vec<u8>, Error> {
    if path.is_empty() || path.len() > MAX_PATH || path.contains(&0) {
        let message = format!("the path is empty, longer than {MAX_PATH} bytes, or has a NUL byte");
        return Err(errors::invalid(message));
    }
    Ok(path.to_vec())
}
