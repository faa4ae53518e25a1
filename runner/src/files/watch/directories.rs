//! The directories that are watched, and what the kernel says about them.

use super::queue::Queue;
use crate::files::{
    entry,
    failure::{AtPath, failure},
    path,
    temporary::is_temporary,
    walk::{Denied, has_changed, open_below, open_directory, walk},
};
use cofferdam_protocol::{ChangeKind, FileErrorKind, FileFailure, FileKind};
use rustix::{
    fs::{
        CWD,
        inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch},
    },
    io::Errno,
};
use std::{
    collections::HashMap,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// Most directories of one call.
const MAX_DIRECTORIES: usize = 8192;
/// Bytes of the kernel's events that are read at once.
const BUFFER: usize = 64 << 10;
/// What is asked for of each directory.
const CHANGES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::EXCL_UNLINK);

/// The watched directories, by the number that the kernel gives to each.
#[derive(Debug)]
pub(super) struct Directories<'a> {
    inotify: OwnedFd,
    root: &'a [u8],
    recursive: bool,
    /// Paths are relative to the root, whose own is empty.
    paths: HashMap<i32, Vec<u8>>,
}

impl<'a> Directories<'a> {
    /// Watches the directory `root`, and those below it if `recursive`.
    pub(super) fn watch(root: &'a [u8], recursive: bool) -> Result<Self, FileFailure> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).at(root)?;
        let mut directories = Self { inotify, root, recursive, paths: HashMap::new() };
        directories.add(&[])?;
        directories.add_below(&[], None)?;
        Ok(directories)
    }

    /// Is readable once there are changes.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Reads some changes. Returns whether the root is gone.
    pub(super) fn read_changes(&mut self, queue: &mut Queue) -> Result<bool, FileFailure> {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        let mut events = Vec::new();
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes().to_vec());
                    events.push((event.wd(), event.events(), name));
                }
                Err(Errno::INTR | Errno::AGAIN) => break,
                Err(error) => return Err(error).at(self.root),
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        Ok(events.into_iter().any(|(number, flags, name)| self.on_event(number, flags, name, queue)))
    }

    /// Returns whether the root is gone.
    fn on_event(&mut self, number: i32, flags: ReadFlags, name: Option<Vec<u8>>, queue: &mut Queue) -> bool {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            queue.lose();
            // New and moved directories may be among what was lost.
            self.forget(&[]);
            self.add_new(&[], false, queue);
            return false;
        }
        let Some(directory) = self.paths.get(&number) else { return false };
        let is_root = directory.is_empty();
        if let Some(name) = name {
            let path = path::join(directory, &name);
            if !is_temporary(&name) {
                self.on_change(&path, flags, queue);
            }
            return false;
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.paths.remove(&number);
        }
        is_root
            && flags.intersects(
                ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED | ReadFlags::UNMOUNT,
            )
    }

    fn on_change(&mut self, path: &[u8], flags: ReadFlags, queue: &mut Queue) {
        let kind = if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            ChangeKind::Created
        } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
            ChangeKind::Removed
        } else {
            ChangeKind::Modified
        };
        queue.change(kind, path.to_vec());
        if self.recursive && flags.contains(ReadFlags::ISDIR) {
            match kind {
                ChangeKind::Created => self.add_new(path, true, queue),
                ChangeKind::Removed => self.forget(path),
                ChangeKind::Modified => {}
            }
        }
    }

    /// Watches a directory that has come to be, and those in it. What is in it may have been there before it was
    /// watched, so that the kernel does not say so.
    fn add_new(&mut self, path: &[u8], report: bool, queue: &mut Queue) {
        let added = self.add(path).and_then(|()| self.add_below(path, report.then_some(&mut *queue)));
        if added.is_err() {
            queue.lose();
        }
    }

    /// Watches one directory. Below the root, one that is no longer there is not an error.
    fn add(&mut self, path: &[u8]) -> Result<(), FileFailure> {
        let refuse =
            || Err(failure(FileErrorKind::TooManyEntries, self.root, "too many directories to watch"));
        if self.paths.len() >= MAX_DIRECTORIES {
            return refuse();
        }
        let added = if path.is_empty() {
            add_watch(&self.inotify, self.root, CHANGES | WatchFlags::ONLYDIR)
        } else {
            // gVisor follows a link if it is asked for a directory. There are no names in the changes of anything else.
            add_watch(&self.inotify, path::join(self.root, path), CHANGES | WatchFlags::DONT_FOLLOW)
        };
        match added {
            Ok(number) => {
                self.paths.insert(number, path.to_vec());
                Ok(())
            }
            // The kernel's limit of watches.
            Err(Errno::NOSPC) => refuse(),
            Err(error) if !path.is_empty() && (has_changed(error) || error == Errno::ACCESS) => Ok(()),
            Err(error) => Err(error).at(self.root),
        }
    }

    /// Watches the directories below one of the directories. Each is watched before it is read, so that no change is
    /// lost, but one may be reported twice.
    fn add_below(&mut self, below: &[u8], mut report: Option<&mut Queue>) -> Result<(), FileFailure> {
        if !self.recursive {
            return Ok(());
        }
        let path = path::join(self.root, below);
        let directory = match below {
            [] => open_directory(self.root)?,
            _ => match open_below(CWD, &path) {
                Ok(directory) => directory,
                Err(error) if has_changed(error) || error == Errno::ACCESS => return Ok(()),
                Err(error) => return Err(error).at(&path),
            },
        };
        walk(directory, &path, Denied::Skip, &mut |found| {
            let path = path::join(below, found.path);
            if entry::kind(&found.stat) == FileKind::Directory {
                self.add(&path)?;
            }
            if let Some(queue) = &mut report {
                queue.change(ChangeKind::Created, path);
            }
            Ok(true)
        })
    }

    /// Watches a directory and those below it no longer. The root stays.
    fn forget(&mut self, path: &[u8]) {
        let is_at_or_below = |watched: &[u8]| match watched.strip_prefix(path) {
            Some(rest) => path.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        };
        let forgotten = self.paths.extract_if(|_, watched| !watched.is_empty() && is_at_or_below(watched));
        for (number, _) in forgotten {
            // The kernel has done that for a directory that was removed.
            let _ = remove_watch(&self.inotify, number);
        }
    }
}
