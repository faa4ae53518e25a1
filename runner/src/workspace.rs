//! What the program can write to: one size-bounded tmpfs behind its work directory, HOME, /tmp, /var/tmp and /dev/shm.

use crate::error::{During, Error};
use cofferdam_protocol::Program;
use rustix::mount::{MountFlags, mount, mount_bind};
use std::{
    ffi::CString,
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// The program's work directory. With the others here, the sandbox's root must have it.
pub(crate) const WORK: &str = "/work";
/// The same of its home.
pub(crate) const HOME: &str = "/home/user";
const TMP: &str = "/tmp";
const SHM: &str = "/dev/shm";
/// Not every root has it.
const VAR_TMP: &str = "/var/tmp";
/// The program's file until it has its name. No other is there before it.
const NEW: &str = ".new";

/// Bytes of disk for each inode that may exist: as many as a full disk of one-page files needs.
const BYTES_PER_INODE: u64 = 4096;

/// Mounts the directories and enters the work directory.
pub(crate) fn prepare(disk_bytes: u64) -> Result<(), Error> {
    mount_storage(disk_bytes).during("mount the work directory")?;
    std::env::set_current_dir(WORK).during("enter the work directory")
}

/// Lays the program into the work directory, in the place of what may have its name there, and then its files.
pub(crate) fn lay_out(program: &Program) -> Result<(), Error> {
    let failed = |path: &str, source| Error::InputFile { path: path.to_owned(), source };
    write(NEW, program.code.as_bytes())
        .and_then(|()| fs::rename(NEW, &program.file))
        .map_err(|source| failed(&program.file, source))?;
    program
        .files
        .iter()
        .try_for_each(|file| write(&file.path, &file.content).map_err(|source| failed(&file.path, source)))
}

/// One file system for all, so that one bound holds for their sum.
fn mount_storage(bytes: u64) -> io::Result<()> {
    let options = CString::new(format!("mode=1777,size={bytes},nr_inodes={}", bytes / BYTES_PER_INODE + 64))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    // Laid over /tmp, which any root has; the program's /tmp then hides it.
    mount(c"tmpfs", TMP, c"tmpfs", flags, Some(options.as_c_str()))?;
    for (name, target, mode) in [
        ("work", WORK, 0o755),
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

fn write(path: &str, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = Path::new(path).parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create_new(path).and_then(|mut file| io::Write::write_all(&mut file, content))
}
