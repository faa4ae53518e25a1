//! Why a call failed: kinds and words for the kernel's errors.

use cofferdam_protocol::{FileErrorKind, FileFailure};
use rustix::io::Errno;
use std::io;

/// A failure that concerns a path.
pub(super) fn failure(error: FileErrorKind, path: &[u8], reason: &str) -> FileFailure {
    FileFailure { error, path: path.to_vec(), reason: reason.to_owned() }
}

/// Adds to an error of the kernel the path that it concerns.
pub(super) trait AtPath<T> {
    fn at(self, path: &[u8]) -> Result<T, FileFailure>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at(self, path: &[u8]) -> Result<T, FileFailure> {
        self.map_err(|error| failure_at(path, &error.into()))
    }
}

fn failure_at(path: &[u8], error: &io::Error) -> FileFailure {
    let kind = Errno::from_io_error(error).map_or(FileErrorKind::Other, kind_of);
    failure(kind, path, &words(kind, error))
}

fn kind_of(errno: Errno) -> FileErrorKind {
    match errno {
        Errno::NOENT => FileErrorKind::NotFound,
        Errno::NAMETOOLONG => FileErrorKind::InvalidPath,
        Errno::EXIST | Errno::NOTEMPTY => FileErrorKind::Exists,
        Errno::ISDIR => FileErrorKind::IsDirectory,
        Errno::NOTDIR => FileErrorKind::NotDirectory,
        // The kernel's answers when a socket or a device without a driver is opened.
        Errno::NXIO | Errno::NODEV => FileErrorKind::NotRegular,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => FileErrorKind::PermissionDenied,
        Errno::NOSPC | Errno::DQUOT => FileErrorKind::DiskFull,
        Errno::LOOP => FileErrorKind::LinkLoop,
        _ => FileErrorKind::Other,
    }
}

fn words(kind: FileErrorKind, error: &io::Error) -> String {
    match kind {
        FileErrorKind::DiskFull => "the disk of the session is full; remove files".to_owned(),
        FileErrorKind::NotRegular => "it is neither a regular file nor a directory".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_the_kernel_has_its_kind() {
        for (errno, kind) in [
            (Errno::NOENT, FileErrorKind::NotFound),
            (Errno::NAMETOOLONG, FileErrorKind::InvalidPath),
            (Errno::NOTEMPTY, FileErrorKind::Exists),
            (Errno::ISDIR, FileErrorKind::IsDirectory),
            (Errno::NOTDIR, FileErrorKind::NotDirectory),
            (Errno::NXIO, FileErrorKind::NotRegular),
            (Errno::ROFS, FileErrorKind::PermissionDenied),
            (Errno::NOSPC, FileErrorKind::DiskFull),
            (Errno::LOOP, FileErrorKind::LinkLoop),
            (Errno::IO, FileErrorKind::Other),
        ] {
            let failure = Err::<(), _>(errno).at(b"a").expect_err("a failure");
            assert_eq!((failure.error, failure.path.as_slice()), (kind, b"a".as_slice()), "{errno:?}");
            assert!(!failure.reason.is_empty(), "{errno:?}");
        }
    }
}
