//! Writes one regular file.

use super::{
    BATCH, entry,
    failure::{AtPath, failure},
    input::Input,
    make_directory::make_parents,
    path,
    temporary::Temporary,
};
use cofferdam_protocol::{FileErrorKind, FileFailure, FileKind, PERMISSIONS};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};
use std::os::fd::{AsFd, OwnedFd};

/// The permission bits of a new file.
const NEW_MODE: u32 = 0o644;
/// Most links that are followed, as by the kernel.
const MAX_LINKS: u32 = 40;

/// Where a file is written to.
struct Target {
    directory: OwnedFd,
    name: Vec<u8>,
}

/// Writes the input to a file, which replaces what has its path once it is complete.
pub(super) fn write(path: &[u8], mode: Option<u32>, input: &Input<'_>) -> Result<(), FileFailure> {
    let target = find_target(path)?;
    let mut file = Temporary::create(target.directory.as_fd()).at(path)?;
    let mut chunk = vec![0; BATCH];
    loop {
        match input.read(&mut chunk)? {
            0 => break,
            length => file.write_all(chunk.get(..length).unwrap_or_default()).at(path)?,
        }
    }
    let mode = match (mode, statat(&target.directory, &target.name, AtFlags::SYMLINK_NOFOLLOW)) {
        (Some(mode), _) => mode & PERMISSIONS,
        (None, Ok(replaced)) if entry::kind(&replaced) == FileKind::File => entry::permissions(&replaced),
        _ => NEW_MODE,
    };
    file.commit(&target.name, mode).at(path)
}

/// Follows the links that the path ends with, to a regular file or to nothing. A rename would replace a link.
fn find_target(path: &[u8]) -> Result<Target, FileFailure> {
    let mut current = path.to_vec();
    for _ in 0..MAX_LINKS {
        let Some((parent, name)) = path::split(&current) else {
            return Err(not_of_a_file(path));
        };
        let directory = open_parent(parent, &current)
            .map_err(|failure| FileFailure { path: path.to_vec(), ..failure })?;
        let kind = match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => FileKind::File,
            result => entry::kind(&result.at(path)?),
        };
        if kind != FileKind::Link {
            entry::require_regular(kind, path)?;
            return Ok(Target { name: name.to_vec(), directory });
        }
        current = path::join(parent, readlinkat(&directory, name, Vec::new()).at(path)?.as_bytes());
    }
    Err(failure(FileErrorKind::LinkLoop, path, "the link leads to too many other links"))
}

/// The failure of a path that can only be that of a directory.
pub(super) fn not_of_a_file(path: &[u8]) -> FileFailure {
    failure(FileErrorKind::IsDirectory, path, "it is the path of a directory, not of a file")
}

/// Opens the directory `parent` of `path`, which is made if it is missing. It need not be readable.
fn open_parent(parent: &[u8], path: &[u8]) -> Result<OwnedFd, FileFailure> {
    let open = || openat(CWD, parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    match open() {
        Err(Errno::NOENT) => make_parents(path).and_then(|()| open().at(path)),
        result => result.at(path),
    }
}
