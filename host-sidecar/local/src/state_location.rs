//! Which folder keeps the runs, and whether it is safe: what lies there is executed with this user's rights.

use cofferdam_core::os::user_folders;
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

/// Shared memory, which containers have even where their /run is on a disk.
const SHM: &str = "/dev/shm";
/// Source: statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// The folders that may keep runs, the best first. What is in memory comes before what is not: a run makes and removes some
/// sixty small files, and on a disk that takes longer than all else that is ours.
pub(super) fn candidates() -> Vec<PathBuf> {
    ordered(parents(geteuid()), is_in_memory, lets_execute)
}

/// Folders to keep one of ours in, and its name there.
fn parents(uid: Uid) -> Vec<PathBuf> {
    if uid.is_root() {
        return ["/run", SHM, "/var/lib"].map(|parent| Path::new(parent).join("cofferdam")).into();
    }
    let shared = [SHM.into(), env::temp_dir()];
    let name = format!("cofferdam-{}", uid.as_raw());
    let parents = user_folders::runtime().into_iter().chain(shared).map(|parent| parent.join(&name));
    // Others can take a name in a shared folder, but not one below the user's own.
    parents.chain(user_folders::cache().map(|cache| cache.join("runs"))).filter(|path| path.is_absolute()).collect()
}

/// Those that programs can be executed in, those in memory first; all of them if that is none, so that it is said why.
fn ordered(
    candidates: Vec<PathBuf>,
    is_in_memory: impl Fn(&Path) -> bool,
    lets_execute: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    if !candidates.iter().any(|path| lets_execute(existing(path))) {
        return candidates;
    }
    let usable = candidates.into_iter().filter(|path| lets_execute(existing(path)));
    let (mut first, rest): (Vec<_>, Vec<_>) = usable.partition(|path| is_in_memory(existing(path)));
    first.extend(rest);
    first
}

/// The part of a path that is there.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path)
}

/// Makes the folder if it is not there, and gives its path with no link in it. Only one that was named may itself be a link.
pub(super) fn open(path: &Path, is_named: bool) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let path = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !is_named => parent.canonicalize()?.join(name),
        _ => path.canonicalize()?,
    };
    require_usable(&path)?;
    Ok(path)
}

/// Fails for a folder that another user could have prepared, and for one in which gVisor could not be started.
pub(super) fn require_usable(path: &Path) -> io::Result<()> {
    let denied = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return denied("it is a link, or no folder"),
        Err(error) => return Err(error.into()),
    };
    let stat = rustix::fs::fstat(&folder)?;
    if stat.st_uid != geteuid().as_raw() {
        return denied("it belongs to another user");
    }
    if stat.st_mode & 0o022 != 0 {
        return denied("others may write to it");
    }
    if rustix::fs::fstatvfs(&folder)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return denied("it lies on a file system that is mounted noexec");
    }
    Ok(())
}

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|fs| fs.f_type == TMPFS_MAGIC)
}

/// gVisor starts nothing from a file system that is mounted `noexec`, as /run often is.
fn lets_execute(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|fs| !fs.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, chown, symlink},
    };

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = env::temp_dir().join(format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone() {
        let folder = Folder::new();
        let path = open(&folder.0.join("runs"), false).expect("a place");
        assert_eq!(fs::metadata(&path).expect("a folder").permissions().mode() & 0o777, 0o700);
        assert_eq!(open(&path, false).expect("the same place"), path);
    }

    #[test]
    fn a_link_in_the_place_of_the_folder_is_not_followed() {
        let folder = Folder::new();
        let (ours, link) = (folder.0.join("ours"), folder.0.join("link"));
        fs::create_dir(&ours).expect("a folder");
        symlink(&ours, &link).expect("a link");
        assert_eq!(open(&link, false).map_err(|error| error.kind()), Err(io::ErrorKind::PermissionDenied));
        // Whoever names a folder may name a link to it.
        assert_eq!(open(&link, true).expect("a place"), ours.canonicalize().expect("a path"));
        fs::remove_dir(&ours).expect("a folder");
        assert!(open(&link, false).is_err());
    }

    #[test]
    fn a_folder_that_others_own_or_write_to_is_not_used() {
        let folder = Folder::new();
        let path = open(&folder.0.join("runs"), false).expect("a place");
        fs::set_permissions(&path, Permissions::from_mode(0o770)).expect("a folder");
        assert!(open(&path, false).is_err());
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a folder");
        if geteuid().is_root() {
            chown(&path, Some(65534), None).expect("root");
            assert!(open(&path, false).is_err() && open(&path, true).is_err());
        }
    }

    #[test]
    fn what_is_in_memory_comes_first_and_what_executes_nothing_not_at_all() {
        let paths = ["/disk", "/noexec", "/memory"].map(PathBuf::from);
        // None of them is there, so that all are asked of as what they would be made in.
        assert_eq!(existing(&paths[0]), Path::new("/"));
        let order = |executes: bool| ordered(paths.to_vec(), |_| false, |_| executes);
        assert_eq!((order(true), order(false)), (paths.to_vec(), paths.to_vec()));
        let folder = Folder::new();
        let [disk, noexec, memory] = ["disk", "noexec", "memory"].map(|name| folder.0.join(name));
        for path in [&disk, &noexec, &memory] {
            fs::create_dir(path).expect("a folder");
        }
        let all = vec![disk.clone(), noexec.clone(), memory.clone()];
        assert_eq!(ordered(all, |path| path == memory, |path| path != noexec), [memory.clone(), disk]);
    }
}
