//! A local folder into which files of a sandbox are written. An untrusted program has chosen their names and links, so
//! no link in it is followed.

use cofferdam_core::new_id;
use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, fchmod, mkdirat, open, openat, renameat, statat, symlinkat, unlinkat,
    },
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Component, Path},
};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder. Renaming or replacing it does not redirect writes.
#[derive(Debug)]
pub(super) struct LocalTree(OwnedFd);

impl LocalTree {
    /// Opens a folder, whose own path may have links: the user has named it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(open(path, FOLDER, Mode::empty())?))
    }

    /// Writes a complete file or none, in place of a file or a link of this name.
    pub(super) fn write_file(&self, path: &Path, mode: u32, bytes: &mut impl Read) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let parent = self.folder(parent.as_ref());
        replaceable(parent, name)?;
        let new = format!(".cofferdam-{}", new_id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(parent, &new, flags, Mode::from_raw_mode(mode))?);
        let written = io::copy(bytes, &mut file).and_then(|_| Ok(renameat(parent, &new, parent, name)?));
        written.inspect_err(|_| {
            let _ = unlinkat(parent, &new, AtFlags::empty());
        })
    }

    /// Makes a folder, or gives one that exists these permissions.
    pub(super) fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let folder = child(self.folder(parent.as_ref()), name)?;
        // Its entries follow.
        Ok(fchmod(folder, Mode::from_raw_mode(mode) | Mode::RWXU)?)
    }

    /// Makes a link that stays within the folder, in place of a file or a link of this name.
    pub(super) fn make_link(&self, path: &Path, target: &Path) -> io::Result<()> {
        if !stays_inside(path, target) {
            return Err(io::Error::other("it is a link that leads out of the folder"));
        }
        let (parent, name) = self.parent(path)?;
        let parent = self.folder(parent.as_ref());
        if replaceable(parent, name)? {
            unlinkat(parent, name, AtFlags::empty())?;
        }
        Ok(symlinkat(target, parent, name)?)
    }

    fn folder<'a>(&'a self, below: Option<&'a OwnedFd>) -> BorrowedFd<'a> {
        below.unwrap_or(&self.0).as_fd()
    }

    /// The folder in which a path is, which is made, unless it is this one; and the name there.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(Option<OwnedFd>, &'a OsStr)> {
        let (mut below, mut name) = (None, None);
        for part in path.components() {
            let Component::Normal(part) = part else {
                return Err(io::Error::other("its path leads out of the folder"));
            };
            if let Some(folder) = name.replace(part) {
                below = Some(child(self.folder(below.as_ref()), folder)?);
            }
        }
        Ok((below, name.ok_or_else(|| io::Error::other("its path is empty"))?))
    }
}

/// A folder in a folder, which is made. A link is not followed.
fn child(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    match mkdirat(parent, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
        Ok(()) | Err(Errno::EXIST) => Ok(openat(parent, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file or a link has this name. Anything else must not be replaced.
fn replaceable(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<bool> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(existing) => match FileType::from_raw_mode(existing.st_mode) {
            FileType::RegularFile | FileType::Symlink => Ok(true),
            _ => Err(io::Error::other("the existing one is neither a file nor a link")),
        },
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a link with this path leads to a place in the folder.
fn stays_inside(path: &Path, target: &Path) -> bool {
    let depth = path.components().count().saturating_sub(1);
    let end = target.components().try_fold(depth, |depth, part| match part {
        Component::Normal(_) => Some(depth + 1),
        Component::CurDir => Some(depth),
        Component::ParentDir => depth.checked_sub(1),
        Component::RootDir | Component::Prefix(_) => None,
    });
    end.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::PermissionsExt, process};

    fn folder(name: &str) -> std::path::PathBuf {
        let path = env::temp_dir().join(format!("cofferdam-local-tree-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("tree")).expect("a folder");
        path
    }

    fn write(tree: &LocalTree, path: &str, content: &str) -> io::Result<()> {
        tree.write_file(Path::new(path), 0o640, &mut content.as_bytes())
    }

    #[test]
    fn files_folders_and_links_are_written_and_replaced() {
        let path = folder("written");
        let tree = LocalTree::open(&path.join("tree")).expect("a folder");
        tree.make_folder(Path::new("d"), 0o550).expect("a folder");
        write(&tree, "d/e/f", "1").expect("a file");
        write(&tree, "d/e/f", "2").expect("a file");
        tree.make_link(Path::new("d/l"), Path::new("../d/e/f")).expect("a link");
        tree.make_link(Path::new("d/l"), Path::new("e/f")).expect("a link");
        assert_eq!(fs::read_to_string(path.join("tree/d/l")).expect("a file"), "2");
        let mode = |name: &str| fs::metadata(path.join(name)).expect("a file").permissions().mode() & 0o777;
        assert_eq!((mode("tree/d/e/f"), mode("tree/d")), (0o640, 0o750));
        // A link is replaced, not followed.
        write(&tree, "d/l", "3").expect("a file");
        assert_eq!(fs::read_to_string(path.join("tree/d/e/f")).expect("a file"), "2");
        assert!(write(&tree, "d/e", "4").is_err());
        fs::remove_dir_all(&path).expect("removed");
    }

    #[test]
    fn nothing_is_written_outside() {
        let path = folder("outside");
        let tree = LocalTree::open(&path.join("tree")).expect("a folder");
        for (link, target) in [("l", "/etc"), ("l", ".."), ("a/l", "../.."), ("l", "x/../../y")] {
            assert!(tree.make_link(Path::new(link), Path::new(target)).is_err(), "{link} {target}");
        }
        // A link that was there, or that somebody made meanwhile.
        std::os::unix::fs::symlink(&path, path.join("tree/out")).expect("a link");
        for name in ["out/f", "../f", "/f", "a/../../f", ""] {
            assert!(write(&tree, name, "x").is_err(), "{name}");
        }
        assert!(tree.make_folder(Path::new("out"), 0o777).is_err());
        assert!(!path.join("f").exists());
        fs::remove_dir_all(&path).expect("removed");
    }

    #[test]
    fn a_file_that_is_not_complete_replaces_nothing() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
        let path = folder("incomplete");
        let tree = LocalTree::open(&path.join("tree")).expect("a folder");
        write(&tree, "f", "old").expect("a file");
        assert!(tree.write_file(Path::new("f"), 0o600, &mut Fails).is_err());
        let names: Vec<_> = fs::read_dir(path.join("tree")).expect("a folder").flatten().collect();
        assert_eq!(
            (names.len(), fs::read_to_string(path.join("tree/f")).expect("a file").as_str()),
            (1, "old")
        );
        fs::remove_dir_all(&path).expect("removed");
    }
}
