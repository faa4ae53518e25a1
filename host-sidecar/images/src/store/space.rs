//! How much space there is for an image.

use super::Store;
use crate::{Descriptor, ImageError};
use std::{
    fs::File,
    io::{self, ErrorKind},
};

impl Store {
    /// Fails if there is no space for those of these parts that are missing.
    pub(super) fn require_space<'a>(
        &self,
        parts: impl Iterator<Item = &'a Descriptor>,
    ) -> Result<(), ImageError> {
        let missing = parts.filter(|part| !self.has_blob(&part.digest));
        let needed = missing.fold(0_u64, |needed, part| needed.saturating_add(part.size));
        match self.free() {
            Ok(free) if free < needed => Err(self.no_space(needed, free)),
            // Where it is unknown, the attempt shows it.
            _ => Ok(()),
        }
    }

    /// Says of a disk that is full how much space there was. The file has been written so far.
    pub(super) fn explain_full(&self, error: ImageError, file: &File) -> ImageError {
        match (&error, self.free(), file.metadata()) {
            (ImageError::Io { source, .. }, Ok(free), Ok(written))
                if source.kind() == ErrorKind::StorageFull =>
            {
                self.no_space(written.len() + 1, free.saturating_add(written.len()))
            }
            _ => error,
        }
    }

    fn no_space(&self, needed: u64, free: u64) -> ImageError {
        ImageError::NoSpace { store: self.dir.display().to_string(), needed, free }
    }

    /// Bytes that this user may still write.
    fn free(&self) -> io::Result<u64> {
        let file_system = rustix::fs::statvfs(&self.dir)?;
        Ok(file_system.f_bavail.saturating_mul(file_system.f_frsize))
    }
}
