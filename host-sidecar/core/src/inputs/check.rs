//! Checks the entries of a working directory as they come: their paths, their number and the disk that they use.
//! Pure.

use cofferdam_protocol::{EntryKind, InputEntry};
use cofferdam_types::{
    Error, ErrorCode, quoted,
    validation::{MAX_STREAMED_FILES, relative_path},
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

/// Bytes of a page. The disk of a sandbox is a tmpfs, which is allocated in pages.
pub(super) const PAGE: u64 = 4096;
/// Maximum bytes of a link's target: PATH_MAX without the byte that ends it.
pub const MAX_LINK_TARGET: usize = 4095;

/// What a working directory has so far.
#[derive(Debug)]
pub(crate) struct InputCheck {
    program: String,
    disk_bytes: u64,
    pages: u64,
    /// Bytes of the last file, if the last entry is one.
    length: Option<u64>,
    /// Whether each path is a directory. A hash stands for a path, so that many paths take little memory; its
    /// key is random, so that no caller can find two paths with one hash.
    paths: HashMap<u64, bool>,
    hasher: RandomState,
}

impl InputCheck {
    /// For a working directory with the program's file alone.
    pub(crate) fn new(program: &str, code: usize, disk_bytes: u64) -> Result<Self, Error> {
        let (program, pages) = (program.to_owned(), pages(code as u64));
        let check = Self {
            program,
            disk_bytes,
            pages,
            length: None,
            paths: HashMap::new(),
            hasher: RandomState::new(),
        };
        check.disk().map(|()| check)
    }

    /// The limit on the disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.disk_bytes
    }

    /// Adds an entry.
    pub(crate) fn entry(&mut self, entry: &InputEntry) -> Result<(), Error> {
        let path = entry.path.as_str();
        relative_path(path).map_err(|violation| invalid(violation.to_string()))?;
        if path.split('/').next() == Some(&self.program) {
            let name = &self.program;
            return Err(invalid(format!(
                "the file `{name}` is the program itself; give the input file another name"
            )));
        }
        for (end, _) in path.match_indices('/') {
            self.add(&path[..end], true, path)?;
        }
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        if let EntryKind::Link(target) = &entry.kind {
            check_target(path, target)?;
        }
        self.add(path, is_directory, path)?;
        self.length = matches!(entry.kind, EntryKind::File(_)).then_some(0);
        self.disk()
    }

    /// Adds bytes to the last entry.
    pub(crate) fn content(&mut self, bytes: usize) -> Result<(), Error> {
        let before = self.length.ok_or_else(|| {
            Error::internal("the input files could not be read", "content follows no regular file")
        })?;
        let length = before.saturating_add(bytes as u64);
        self.length = Some(length);
        self.pages += pages(length) - pages(before);
        self.disk()
    }

    /// Adds a path, which may be that of a directory that is there. `entry` is the entry that needs it.
    fn add(&mut self, path: &str, is_directory: bool, entry: &str) -> Result<(), Error> {
        let key = self.hasher.hash_one(path);
        match self.paths.get(&key) {
            Some(true) if is_directory => return Ok(()),
            Some(_) if path == entry => {
                return Err(invalid(format!("files: the path {} is given twice", quoted(path))));
            }
            Some(_) => {
                let (path, entry) = (quoted(path), quoted(entry));
                return Err(invalid(format!(
                    "files: of {path} and {entry}, one is given as a file and as the directory of the other"
                )));
            }
            None if self.paths.len() == MAX_STREAMED_FILES => {
                let text = format!("files: more than {MAX_STREAMED_FILES} files and directories");
                return Err(Error::new(ErrorCode::TooLarge, text));
            }
            None => {}
        }
        self.paths.insert(key, is_directory);
        self.pages += 1;
        Ok(())
    }

    fn disk(&self) -> Result<(), Error> {
        let limit = self.disk_bytes;
        if self.pages.saturating_mul(PAGE) <= limit {
            return Ok(());
        }
        let text = format!(
            "the program and its files need more disk than the {limit} bytes of the limit disk-bytes"
        );
        Err(Error::new(ErrorCode::TooLarge, text))
    }
}

/// Pages of a file with so many bytes: an empty one takes one too.
fn pages(length: u64) -> u64 {
    length.div_ceil(PAGE).max(1)
}

/// Refuses a link out of the working directory. What other links make of its target does not matter: nothing
/// outside of the working directory is the caller's.
fn check_target(path: &str, target: &str) -> Result<(), Error> {
    if stays_inside(path, target) {
        return Ok(());
    }
    let (path, target) = (quoted(path), quoted(target));
    Err(invalid(format!(
        "files: the symbolic link {path} leads out of the working directory, to {target}; leave it out, or make it \
         relative to its own directory"
    )))
}

/// Whether a link with this path leads to a place below the directory that its path is relative to.
pub(super) fn stays_inside(path: &str, target: &str) -> bool {
    let depth = path.matches('/').count();
    let inside = target.split('/').try_fold(depth, |depth, part| match part {
        "" | "." => Some(depth),
        ".." => depth.checked_sub(1),
        _ => Some(depth + 1),
    });
    let is_relative = !target.is_empty() && !target.starts_with('/') && !target.contains('\0');
    is_relative && target.len() <= MAX_LINK_TARGET && inside.is_some()
}

fn invalid(text: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> InputEntry {
        InputEntry { path: path.into(), kind }
    }

    fn check(disk_pages: u64) -> InputCheck {
        InputCheck::new("main.py", 1, disk_pages * PAGE).expect("room for the program")
    }

    /// The error of the last of these entries.
    fn refused(entries: &[(&str, EntryKind)]) -> Option<Error> {
        let mut check = check(1000);
        let (last, others) = entries.split_last().expect("entries");
        for (path, kind) in others {
            check.entry(&entry(path, kind.clone())).expect("an entry");
        }
        check.entry(&entry(last.0, last.1.clone())).err()
    }

    const FILE: EntryKind = EntryKind::File(0o644);
    const DIRECTORY: EntryKind = EntryKind::Directory(0o755);

    fn link(target: &str) -> EntryKind {
        EntryKind::Link(target.into())
    }

    #[test]
    fn files_and_directories_use_whole_pages() {
        for (entries, pages) in [
            (&[][..], 1),
            (&[("a", 0)][..], 2),
            (&[("a", 4096)], 2),
            (&[("a", 4097)], 3),
            (&[("a/b/c", 8192), ("a/b/d", 1)], 6),
        ] {
            for (room, fits) in [(pages, true), (pages - 1, false)] {
                let added = InputCheck::new("main.py", 1, room * PAGE).and_then(|mut check| {
                    entries.iter().try_for_each(|(path, length)| {
                        check.entry(&entry(path, FILE))?;
                        // In pieces that are no pages.
                        (0..*length).try_for_each(|_| check.content(1))
                    })
                });
                let refused = added.err().map(|error| error.code);
                assert_eq!(refused, (!fits).then_some(ErrorCode::TooLarge), "{entries:?} in {room}");
            }
        }
    }

    #[test]
    fn a_path_is_used_once_and_a_directory_may_be_implied_before() {
        for entries in [
            &[("a", FILE), ("b", FILE)][..],
            &[("a", DIRECTORY), ("a/b", FILE)],
            &[("a/b", FILE), ("a", DIRECTORY)],
            &[("a", DIRECTORY), ("a", DIRECTORY)],
            &[("a.py/main.py", FILE)],
        ] {
            assert_eq!(refused(entries), None, "{entries:?}");
        }
        for (entries, part) in [
            (&[("a", FILE), ("a", FILE)][..], "`a` is given twice"),
            (&[("a", link("b")), ("a", FILE)], "`a` is given twice"),
            (&[("a/b", FILE), ("a", FILE)], "`a` is given twice"),
            (&[("a", FILE), ("a/b", FILE)], "`a` and `a/b`"),
            (&[("a", link("b")), ("a/b", FILE)], "`a` and `a/b`"),
            (&[("main.py", FILE)], "the program itself"),
            (&[("main.py/a", DIRECTORY)], "the program itself"),
            (&[("../a", FILE)], "`..`"),
            (&[("/a", DIRECTORY)], "is absolute"),
        ] {
            let error = refused(entries).expect("refused");
            assert!(error.message.contains(part), "{entries:?}: {error}");
        }
    }

    #[test]
    fn a_link_stays_in_the_working_directory() {
        for target in ["b", "./b", "../b", "../x/../b", ".."] {
            assert_eq!(refused(&[("a/l", link(target))]), None, "{target}");
        }
        for target in ["", "/b", "../../b", "x/../../../b", "\0"] {
            let error = refused(&[("a/l", link(target))]).expect("refused");
            assert!(error.message.contains("`a/l` leads out"), "{target}: {error}");
        }
    }

    #[test]
    fn the_number_of_entries_is_limited() {
        let mut check = InputCheck::new("main.py", 1, u64::MAX).expect("room");
        for number in 0..MAX_STREAMED_FILES - 1 {
            check.entry(&entry(&format!("d/{number}"), FILE)).expect("an entry");
        }
        let error = check.entry(&entry("one more", FILE)).expect_err("refused");
        assert_eq!(error.code, ErrorCode::TooLarge);
    }

    #[test]
    fn content_belongs_to_a_file() {
        let mut check = check(9);
        check.entry(&entry("a", FILE)).expect("an entry");
        check.content(1).expect("content");
        check.entry(&entry("b", DIRECTORY)).expect("an entry");
        assert!(check.content(1).is_err());
    }
}
