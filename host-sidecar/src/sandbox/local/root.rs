//! The sandbox's root: this machine's /usr with a minimum around it, or an unpacked image. Read-only either way.

use super::{SetupError, state::RunDir};
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// The runner, a static program.
const RUNNER: &[u8] = include_bytes!(env!("COFFERDAM_RUNNER"));
/// Where the runner is inside the sandbox.
pub(super) const RUNNER_PATH: &str = "/cofferdam/runner";
/// Folders of the root that a file system is mounted on, by runsc or by the runner.
pub(super) const MOUNT_POINTS: [&str; 8] = ["cofferdam", "dev", "home/user", "proc", "sys", "tmp", "usr", "work"];
/// Files of this machine's /etc that its programs read and that say nothing of it.
const SHARED_ETC: [&str; 7] =
    ["ld.so.cache", "localtime", "mime.types", "protocols", "services", "timezone", "python3.11/sitecustomize.py"];
/// Links of the root that lead to where the distribution has merged them.
const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Which root the sandboxes get.
#[derive(Debug, Clone)]
pub(super) enum Root {
    /// This machine's /usr.
    Host,
    /// An unpacked image.
    Image(PathBuf),
}

impl Root {
    pub(super) fn new(rootfs: Option<&Path>) -> Result<Self, SetupError> {
        match rootfs {
            None => Ok(Self::Host),
            Some(path) => match fs::canonicalize(path) {
                Ok(path) if path.is_dir() => Ok(Self::Image(path)),
                _ => Err(SetupError::NoRootfs(path.to_owned())),
            },
        }
    }

    /// Writes what a run's root is made of.
    pub(super) fn lay_out(&self, dir: &RunDir) -> io::Result<()> {
        let runner = dir.runner_dir();
        fs::create_dir_all(&runner)?;
        fs::write(runner.join("runner"), RUNNER)?;
        fs::set_permissions(runner.join("runner"), Permissions::from_mode(0o755))?;
        match self {
            Self::Host => lay_out_host(&dir.root()),
            Self::Image(_) => Ok(()),
        }
    }
}

fn lay_out_host(root: &Path) -> io::Result<()> {
    for folder in MOUNT_POINTS {
        fs::create_dir_all(root.join(folder))?;
    }
    for name in MERGED {
        if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
            symlink(target, root.join(name))?;
        }
    }
    let etc = root.join("etc");
    fs::create_dir_all(etc.join("alternatives"))?;
    for (file, content) in [
        ("passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1001:1001:user:/home/user:/bin/sh\n"),
        ("group", "root:x:0:\nuser:x:1001:\n"),
        ("hosts", "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n"),
        ("hostname", "sandbox\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ] {
        fs::write(etc.join(file), content)?;
    }
    for file in SHARED_ETC {
        let (from, to) = (Path::new("/etc").join(file), etc.join(file));
        if let Ok(content) = fs::read(from) {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(to, content)?;
        }
    }
    Ok(())
}
