//! The directories that the program can write to: one tmpfs with a size limit behind its working directory,
//! HOME, /tmp, /var/tmp and /dev/shm.

use crate::{
    error::{Context, Error},
    inputs,
};
use cofferdam_protocol::Program;
use rustix::mount::{MountFlags, mount, mount_bind};
use std::{
    ffi::CString,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// The program's working directory. The root file system must contain it and the others, except [`VAR_TMP`].
pub(crate) const WORK_DIR: &str = "/work";
/// The program's home directory.
pub(crate) const HOME: &str = "/home/user";
const TMP: &str = "/tmp";
const SHM: &str = "/dev/shm";
/// Some root file systems do not have it.
const VAR_TMP: &str = "/var/tmp";
/// The program's file until it is renamed. No other file exists before it.
const TEMPORARY_FILE: &str = ".new";

/// Bytes of disk per inode: enough inodes for a disk full of one-page files.
const BYTES_PER_INODE: u64 = 4096;

/// Mounts the directories and changes to the working directory.
pub(crate) fn mount_directories(disk_bytes: u64) -> Result<(), Error> {
    mount_storage(disk_bytes).context("mount the working directory")?;
    std::env::set_current_dir(WORK_DIR).context("change to the working directory")
}

/// Writes the program's file, replacing what has its name.
pub(crate) fn write_program(program: &Program) -> Result<(), Error> {
    inputs::create(TEMPORARY_FILE)
        .and_then(|mut file| file.write_all(program.code.as_bytes()))
        .and_then(|()| fs::rename(TEMPORARY_FILE, &program.file))
        .map_err(|source| Error::InputFile { path: program.file.clone(), source })
}

/// Mounts one file system for all directories, so that one limit applies to their sum.
fn mount_storage(bytes: u64) -> io::Result<()> {
    let options = CString::new(format!("mode=1777,size={bytes},nr_inodes={}", bytes / BYTES_PER_INODE + 64))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    // Every root file system has /tmp. The program's /tmp hides this mount later.
    mount(c"tmpfs", TMP, c"tmpfs", flags, Some(options.as_c_str()))?;
    for (name, target, mode) in [
        ("work", WORK_DIR, 0o755),
        ("home", HOME, 0o755),
        ("shm", SHM, 0o1777),
        ("var-tmp", VAR_TMP, 0o1777),
        // Last, since it hides the others.
        ("tmp", TMP, 0o1777),
    ] {
        let source = Path::new(TMP).join(name);
        fs::create_dir(&source)?;
        fs::set_permissions(&source, Permissions::from_mode(mode))?;
        if target != VAR_TMP || Path::new(VAR_TMP).is_dir() {
            mount_bind(&source, target)?;
        }
    }
    Ok(())
}
