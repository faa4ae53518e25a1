//! The blobs of the store, and temporary files that become them.

use super::{Store, remove_file, sync_dir};
use crate::{Descriptor, Digest, DigestWriter, ImageError};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// Bytes of a manifest or a configuration.
const MAX_DOCUMENT: u64 = 4 << 20;

impl Store {
    /// Whether a blob is there.
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.hex())
    }

    /// Opens a blob.
    pub(super) fn blob(&self, digest: &Digest) -> Result<File, ImageError> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(ImageError::io(format!("open {}", path.display())))
    }

    /// The content of a manifest or a configuration, checked against its digest.
    pub(super) fn document(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let mut content = Vec::new();
        let read = self.blob(digest)?.take(MAX_DOCUMENT).read_to_end(&mut content);
        read.map_err(ImageError::io(format!("read {}", self.blob_path(digest).display())))?;
        digest.check(&content)?;
        Ok(content)
    }

    /// Adds a blob of a known digest and size, unless it is there.
    pub(super) fn add_blob(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        if self.has_blob(&descriptor.digest) {
            return Ok(());
        }
        let limited = content.take(descriptor.size.saturating_add(1));
        let (file, digest, _) = self.write_blob(limited, self.limits.bytes)?;
        descriptor.digest.require(&digest)?;
        file.persist(&self.blob_path(&digest))
    }

    /// Adds a blob and returns its digest and size.
    pub(super) fn add_content(&self, content: impl Read) -> Result<(Digest, u64), ImageError> {
        let (file, digest, size) = self.write_blob(content, self.limits.bytes)?;
        if !self.has_blob(&digest) {
            file.persist(&self.blob_path(&digest))?;
        }
        Ok((digest, size))
    }

    fn write_blob(&self, content: impl Read, limit: u64) -> Result<(TemporaryFile, Digest, u64), ImageError> {
        let mut temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        let mut writer = DigestWriter::new(&mut temporary.file);
        let copied = io::copy(&mut content.take(limit.saturating_add(1)), &mut writer);
        copied.map_err(ImageError::io("write a part of the image into the store"))?;
        let size = writer.length();
        if size > limit {
            return Err(ImageError::Limit { what: "bytes", limit });
        }
        let digest = writer.finish().1;
        Ok((temporary, digest, size))
    }
}

/// A file that is removed unless it is given its name.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) file: File,
    path: PathBuf,
}

impl TemporaryFile {
    /// Creates one in a folder.
    pub(super) fn create(dir: &Path) -> Result<Self, ImageError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let path = dir.join(format!("{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            match File::create_new(&path) {
                Ok(file) => return Ok(Self { file, path }),
                // It is of a process that had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ImageError::io(format!("create {}", path.display()))(error)),
            }
        }
    }

    /// Flushes it and renames it.
    pub(super) fn persist(self, to: &Path) -> Result<(), ImageError> {
        let failed = || ImageError::io(format!("write {}", to.display()));
        self.file.sync_all().map_err(failed())?;
        fs::rename(&self.path, to).map_err(failed())?;
        to.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // It has another name, or nobody needs it.
        let _ = remove_file(&self.path);
    }
}
