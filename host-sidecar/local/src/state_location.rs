//! Selects the state directory, and checks that no other user controls it: its files are executed with this
//! user's rights.

use cofferdam_core::os::user_dirs;
use rustix::{
    fs::{Mode, OFlags, StatVfsMountFlags},
    process::{Uid, geteuid},
};
use std::{
    env,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Shared memory. Containers have it even if their /run is on a disk.
const SHM: &str = "/dev/shm";
/// Source: statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// The default directories, the best first. Those in memory come first: an execution creates and deletes
/// about sixty small files, which takes longer on a disk than the rest of Cofferdam's own work.
pub(super) fn candidates() -> Vec<PathBuf> {
    ordered(defaults(geteuid()), is_in_memory, allows_exec)
}

/// The default directories, whether they exist or not.
fn defaults(uid: Uid) -> Vec<PathBuf> {
    if uid.is_root() {
        return ["/run", SHM, "/var/lib"].map(|parent| Path::new(parent).join("cofferdam")).into();
    }
    let shared = [SHM.into(), env::temp_dir()];
    let name = format!("cofferdam-{}", uid.as_raw());
    let parents = user_dirs::runtime().into_iter().chain(shared).map(|parent| parent.join(&name));
    // Another user can take the name in a shared directory, but not in one that belongs to this user.
    parents
        .chain(user_dirs::cache().map(|cache| cache.join("runs")))
        .filter(|path| path.is_absolute())
        .collect()
}

/// The directories that are not mounted `noexec`, those in memory first. All if there are none, so that the
/// error says why.
fn ordered(
    candidates: Vec<PathBuf>,
    is_in_memory: impl Fn(&Path) -> bool,
    allows_exec: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    if !candidates.iter().any(|path| allows_exec(existing_ancestor(path))) {
        return candidates;
    }
    let usable = candidates.into_iter().filter(|path| allows_exec(existing_ancestor(path)));
    let (mut first, rest): (Vec<_>, Vec<_>) = usable.partition(|path| is_in_memory(existing_ancestor(path)));
    first.extend(rest);
    first
}

/// The longest part of a path that exists.
fn existing_ancestor(path: &Path) -> &Path {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path)
}

/// Creates the directory if it does not exist. Returns its path without symbolic links. Only a directory that
/// the operator has configured may be a symbolic link itself.
pub(super) fn open(path: &Path, is_configured: bool) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let path = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !is_configured => parent.canonicalize()?.join(name),
        _ => path.canonicalize()?,
    };
    require_usable(&path)?;
    Ok(path)
}

/// Fails if another user may control the directory, or if gVisor cannot be started from it.
pub(super) fn require_usable(path: &Path) -> io::Result<()> {
    let denied = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(dir) => dir,
        Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return denied("it is a symbolic link or not a directory");
        }
        Err(error) => return Err(error.into()),
    };
    let stat = rustix::fs::fstat(&dir)?;
    if stat.st_uid != geteuid().as_raw() {
        return denied("it belongs to another user");
    }
    if stat.st_mode & 0o022 != 0 {
        return denied("other users can write to it");
    }
    if rustix::fs::fstatvfs(&dir)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return denied("its file system is mounted noexec");
    }
    Ok(())
}

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|fs| fs.f_type == TMPFS_MAGIC)
}

/// /run is often mounted `noexec`, and gVisor executes the runner from this directory.
fn allows_exec(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|fs| !fs.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, chown, symlink},
    };

    /// A directory, deleted at the end of the test.
    struct TestDir(PathBuf);

    impl TestDir {
        fn new() -> Self {
            let path = env::temp_dir().join(format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir(&path).expect("a directory");
            Self(path)
        }
    }

    impl Drop for TestDir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_directory_is_created_with_mode_0700() {
        let dir = TestDir::new();
        let path = open(&dir.0.join("runs"), false).expect("a state directory");
        assert_eq!(fs::metadata(&path).expect("a directory").permissions().mode() & 0o777, 0o700);
        assert_eq!(open(&path, false).expect("the same directory"), path);
    }

    #[test]
    fn only_a_configured_symlink_is_followed() {
        let dir = TestDir::new();
        let (target, link) = (dir.0.join("target"), dir.0.join("link"));
        fs::create_dir(&target).expect("a directory");
        symlink(&target, &link).expect("a link");
        assert_eq!(open(&link, false).map_err(|error| error.kind()), Err(io::ErrorKind::PermissionDenied));
        // The operator may configure a symbolic link.
        assert_eq!(open(&link, true).expect("a state directory"), target.canonicalize().expect("a path"));
        fs::remove_dir(&target).expect("a directory");
        assert!(open(&link, false).is_err());
    }

    #[test]
    fn a_directory_of_another_user_or_writable_by_others_is_refused() {
        let dir = TestDir::new();
        let path = open(&dir.0.join("runs"), false).expect("a state directory");
        fs::set_permissions(&path, Permissions::from_mode(0o770)).expect("a directory");
        assert!(open(&path, false).is_err());
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a directory");
        if geteuid().is_root() {
            chown(&path, Some(65534), None).expect("root");
            assert!(open(&path, false).is_err() && open(&path, true).is_err());
        }
    }

    #[test]
    fn directories_in_memory_come_first_and_noexec_ones_are_left_out() {
        let paths = ["/disk", "/noexec", "/memory"].map(PathBuf::from);
        // None of them exists, so the parent is examined instead.
        assert_eq!(existing_ancestor(&paths[0]), Path::new("/"));
        let order = |allows_exec: bool| ordered(paths.to_vec(), |_| false, |_| allows_exec);
        assert_eq!((order(true), order(false)), (paths.to_vec(), paths.to_vec()));
        let dir = TestDir::new();
        let [disk, noexec, memory] = ["disk", "noexec", "memory"].map(|name| dir.0.join(name));
        for path in [&disk, &noexec, &memory] {
            fs::create_dir(path).expect("a directory");
        }
        let all = vec![disk.clone(), noexec.clone(), memory.clone()];
        assert_eq!(ordered(all, |path| path == memory, |path| path != noexec), [memory.clone(), disk]);
    }
}
