//! The blobs of the store, and temporary files that become them.

use super::{Store, remove_file, sync_dir};
use crate::{Descriptor, Digest, DigestWriter, ImageError};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};
use uuid::Uuid;

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
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ImageError::LostPart(digest.clone()),
            _ => ImageError::io(format!("open {}", path.display()))(error),
        })
    }

    /// Removes a blob that is damaged, as after a failure of the disk: it is fetched or loaded again then. None
    /// for one that is what its digest promises.
    pub(super) fn lost_part(&self, digest: &Digest) -> Option<ImageError> {
        let mut writer = DigestWriter::new(io::sink());
        io::copy(&mut self.blob(digest).ok()?, &mut writer).ok()?;
        digest.require(&writer.finish().1).err()?;
        Some(
            remove_file(&self.blob_path(digest))
                .err()
                .unwrap_or_else(|| ImageError::LostPart(digest.clone())),
        )
    }

    /// The content of a manifest or a configuration, checked against its digest.
    pub(super) fn document(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let mut content = Vec::new();
        let read = self.blob(digest)?.take(MAX_DOCUMENT + 1).read_to_end(&mut content);
        read.map_err(ImageError::io(format!("read {}", self.blob_path(digest).display())))?;
        if content.len() as u64 > MAX_DOCUMENT {
            let problem = format!("it has more than {MAX_DOCUMENT} bytes");
            return Err(ImageError::MalformedDocument { document: "manifest or configuration", problem });
        }
        match digest.check(&content) {
            Ok(()) => Ok(content),
            Err(error) => Err(self.lost_part(digest).unwrap_or(error)),
        }
    }

    /// Adds a blob of a known digest and size, unless it is there.
    pub(super) fn add_blob(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        if self.has_blob(&descriptor.digest) {
            self.require_length(descriptor)
        } else {
            self.write_checked(descriptor, content)
        }
    }

    /// Fails if a blob that is there has another size than its descriptor says. One that is damaged is removed.
    pub(super) fn require_length(&self, descriptor: &Descriptor) -> Result<(), ImageError> {
        self.require_length_of(&self.blob(&descriptor.digest)?, descriptor)
    }

    /// The same for a file that is a blob, or a link to one.
    pub(super) fn require_length_of(&self, file: &File, descriptor: &Descriptor) -> Result<(), ImageError> {
        let digest = &descriptor.digest;
        let failed = ImageError::io(format!("read {}", self.blob_path(digest).display()));
        let checked = require_size(descriptor, file.metadata().map_err(failed)?.len());
        checked.map_err(|error| self.lost_part(digest).unwrap_or(error))
    }

    /// The same whether it is there or not.
    fn write_checked(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        let mut temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        self.copy_checked(descriptor, content, &mut temporary.file)?;
        temporary.persist(&self.blob_path(&descriptor.digest))
    }

    /// Copies content into a file, and checks it against a descriptor.
    pub(super) fn copy_checked(
        &self,
        descriptor: &Descriptor,
        content: impl Read,
        file: &mut File,
    ) -> Result<(), ImageError> {
        let limited = content.take(descriptor.size.saturating_add(1));
        let (digest, size) = self.copy(limited, self.limits.bytes, file)?;
        descriptor.digest.require(&digest)?;
        require_size(descriptor, size)
    }

    /// Adds a blob to others of its image, and returns its digest and size.
    pub(super) fn add_content(&self, content: impl Read, others: u64) -> Result<(Digest, u64), ImageError> {
        let mut temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        let limit = self.limits.bytes.saturating_sub(others);
        let (digest, size) = self.copy(content, limit, &mut temporary.file)?;
        if !self.has_blob(&digest) {
            temporary.persist(&self.blob_path(&digest))?;
        }
        Ok((digest, size))
    }

    fn copy(&self, content: impl Read, limit: u64, file: &mut File) -> Result<(Digest, u64), ImageError> {
        let mut writer = DigestWriter::new(&mut *file);
        let copied = io::copy(&mut content.take(limit.saturating_add(1)), &mut writer);
        let size = writer.length();
        let digest = writer.finish().1;
        copied.map_err(|error| {
            let error = ImageError::io("write a part of the image into the store")(error);
            self.explain_full(error, file)
        })?;
        if size > limit {
            return Err(ImageError::Limit { what: "bytes".into(), limit: self.limits.bytes });
        }
        Ok((digest, size))
    }
}

fn require_size(descriptor: &Descriptor, size: u64) -> Result<(), ImageError> {
    if size == descriptor.size {
        return Ok(());
    }
    let problem =
        format!("{} has {size} bytes, and its size is given as {}", descriptor.digest, descriptor.size);
    Err(ImageError::MalformedDocument { document: "manifest", problem })
}

/// A file that is removed unless it is given its name.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) file: File,
    /// None once it has its name.
    path: Option<PathBuf>,
}

impl TemporaryFile {
    /// Creates one in a folder.
    pub(super) fn create(dir: &Path) -> Result<Self, ImageError> {
        // Containers that share a store have processes of the same number.
        let path = dir.join(Uuid::new_v4().simple().to_string());
        let file = File::create_new(&path).map_err(ImageError::io(format!("create {}", path.display())))?;
        Ok(Self { file, path: Some(path) })
    }

    /// Flushes it and renames it.
    pub(super) fn persist(mut self, to: &Path) -> Result<(), ImageError> {
        let failed = || ImageError::io(format!("write {}", to.display()));
        self.file.sync_all().map_err(failed())?;
        if let Some(path) = &self.path {
            fs::rename(path, to).map_err(failed())?;
        }
        self.path = None;
        to.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // The file is incomplete.
        let _ = self.path.take().map(|path| remove_file(&path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tests::TestDir;

    #[test]
    fn a_temporary_file_has_a_name_of_its_own_until_it_is_renamed() {
        let dir = TestDir::new();
        let names = || -> Vec<_> {
            let files = fs::read_dir(dir.layout()).expect("a folder").map(|file| file.expect("a file"));
            files.map(|file| file.file_name().into_string().expect("a name")).collect()
        };
        let files = [(); 2].map(|()| TemporaryFile::create(&dir.layout()).expect("a file"));
        let is_random =
            |name: &&String| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert_eq!(names().iter().filter(is_random).count(), 2);
        let [kept, dropped] = files;
        kept.persist(&dir.layout().join("kept")).expect("renamed");
        drop(dropped);
        let mut left = names();
        left.sort();
        assert_eq!(left, ["blobs", "kept"]);
    }
}
