//! Moves a file or a link to another mount, such as from `/work` to `/tmp`, where the kernel does not rename: a copy gets
//! the new path once it is complete, and the original is removed after that.

use super::{
    BATCH, entry,
    failure::{AtPath, failure},
    input::Input,
    path,
    read::OPEN,
    temporary::{Temporary, replace_by_link},
    write::not_of_a_file,
};
use cofferdam_protocol::{FileErrorKind, FileFailure, FileKind};
use rustix::{
    fs::{Access, AtFlags, CWD, Mode, OFlags, Stat, accessat, fstat, openat, readlinkat, statat, unlinkat},
    io::{read as read_some, retry_on_intr},
};
use std::os::fd::AsFd;

/// Moves a file or a link. A directory is refused: nothing would remove the part of its copy that a killed call leaves.
pub(super) fn move_across(from: &[u8], to: &[u8], input: &Input<'_>) -> Result<(), FileFailure> {
    let found = stat(from)?;
    let kind = entry::kind(&found);
    if kind == FileKind::Directory {
        let reason = "between file systems, such as /work and /tmp, only files and links are moved; use `mv` in an \
                      execution";
        return Err(failure(FileErrorKind::IsDirectory, from, reason));
    }
    require_removable(from)?;
    let (parent, name) = path::split(to).ok_or_else(|| not_of_a_file(to))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, parent, flags, Mode::empty()).at(to)?;
    if kind == FileKind::Link {
        let target = readlinkat(CWD, from, Vec::new()).at(from)?;
        replace_by_link(directory.as_fd(), name, target.as_bytes()).at(to)?;
    } else {
        entry::require_regular(kind, from)?;
        let mut copy = Temporary::create(directory.as_fd()).at(to)?;
        fill(&mut copy, from, to, &found, input)?;
        copy.commit(name, entry::permissions(&found)).at(to)?;
    }
    require_same(from, &found, &stat(from)?)?;
    unlinkat(CWD, from, AtFlags::empty()).at(from)
}

/// Copies a file, with the time of its last change.
fn fill(
    copy: &mut Temporary<'_>,
    from: &[u8],
    to: &[u8],
    found: &Stat,
    input: &Input<'_>,
) -> Result<(), FileFailure> {
    let file = openat(CWD, from, OPEN | OFlags::NOFOLLOW, Mode::empty()).at(from)?;
    require_same(from, found, &fstat(&file).at(from)?)?;
    let (mut chunk, mut rest) = (vec![0; BATCH], entry::size(found));
    while rest > 0 {
        input.check()?;
        let length = retry_on_intr(|| read_some(&file, &mut *chunk)).at(from)?;
        if length == 0 {
            break;
        }
        copy.write_all(chunk.get(..length).unwrap_or_default()).at(to)?;
        rest = rest.saturating_sub(length as u64);
    }
    copy.set_modified(found).at(to)?;
    require_same(from, found, &stat(from)?)
}

fn stat(path: &[u8]) -> Result<Stat, FileFailure> {
    statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).at(path)
}

/// Refuses what could not be removed after it was copied.
fn require_removable(path: &[u8]) -> Result<(), FileFailure> {
    let (parent, _) = path::split(path).ok_or_else(|| not_of_a_file(path))?;
    accessat(CWD, parent, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).at(path)
}

/// Refuses what a program has changed or replaced since it was found: the change would be lost.
fn require_same(path: &[u8], found: &Stat, now: &Stat) -> Result<(), FileFailure> {
    let state = |stat: &Stat| (entry::identity(stat), stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    if state(found) == state(now) {
        return Ok(());
    }
    Err(failure(FileErrorKind::Other, path, "the file changed while it was moved, and stays; move it again"))
}
