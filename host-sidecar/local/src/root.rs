//! The sandbox's root file system: this machine's /usr with a minimal /etc, an unpacked image, or an EROFS file.
//! Read-only.

use super::{SetupError, state::RunDir};
use cofferdam_runner_artifact::RUNNER;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// Path of the runner inside the sandbox.
pub(super) const RUNNER_PATH: &str = "/cofferdam/runner";
/// Directories of every root file system on which runsc or the runner mounts others.
const MOUNT_POINTS: [&str; 7] = ["cofferdam", "dev", "home/user", "proc", "sys", "tmp", "work"];
/// Empty directories that every distribution has.
const EMPTY_DIRS: [&str; 7] = ["media", "mnt", "opt", "root", "run", "srv", "var/tmp"];
/// Files of this machine's /etc that programs need and that do not identify the machine.
const COPIED_ETC: [&str; 13] = [
    "inputrc",
    "ld.so.cache",
    "localtime",
    "magic",
    "matplotlibrc",
    "mime.types",
    "os-release",
    "protocols",
    "python3.11/sitecustomize.py",
    "services",
    "shells",
    "ssl/certs/ca-certificates.crt",
    "timezone",
];
/// Directories of this machine that programs need and that do not identify it.
const MOUNTED_DIRS: [&str; 4] = ["/usr", "/etc/alternatives", "/etc/fonts", "/etc/perl"];
/// Links to certificates, by the hash of their subject. Certificates that the machine generated identify it.
const CERTIFICATE_LINKS: &str = "/etc/ssl/certs";
/// Start-up files of shells. Those of the machine may contain its administrator's settings.
const PROFILE: &str = r#"if [ -n "${BASH-}" ] && [ "$BASH" != /bin/sh ]; then
  . /etc/bash.bashrc
fi
"#;
const BASHRC: &str = r#"if [ -n "${PS1-}" ]; then
  PS1='\u@\h:\w\$ '
fi
"#;
/// The users that programs look up, and the one that they run as.
const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
user:x:1001:1001:user:/home/user:/bin/bash
";
const GROUP: &str = "root:x:0:
daemon:x:1:
tty:x:5:
users:x:100:
nogroup:x:65534:
user:x:1001:
";

/// The source of the root file system.
#[derive(Debug, Clone)]
pub(super) enum Root {
    /// This machine's /usr.
    Host,
    /// An unpacked image.
    Image(PathBuf),
    /// An image in an EROFS file, which gVisor mounts by itself.
    Erofs(PathBuf),
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

    /// Writes a sandbox's root file system: mount points, links, and files that are not shared with this
    /// machine or the image. Returns the directories to mount into it. The image itself is not changed.
    pub(super) fn prepare(&self, dir: &RunDir) -> io::Result<Vec<Bind>> {
        let (runner, root) = (dir.runner_dir(), dir.root());
        fs::create_dir_all(&runner)?;
        fs::write(runner.join("runner"), RUNNER)?;
        fs::set_permissions(runner.join("runner"), Permissions::from_mode(0o755))?;
        for dir in MOUNT_POINTS {
            fs::create_dir_all(root.join(dir))?;
        }
        let mut binds = match self {
            Self::Host => prepare_host(&root),
            Self::Image(image) => prepare_image(&root, image),
            Self::Erofs(_) => Ok(Vec::new()),
        }?;
        if !is_readable(&fs::metadata(&runner)?) {
            make_readable(&runner)?;
            make_readable(&root)?;
        }
        binds.push(Bind { source: runner, destination: "/cofferdam".into() });
        Ok(binds)
    }

    /// The EROFS file, if it is one.
    pub(super) fn erofs(&self) -> Option<&Path> {
        match self {
            Self::Erofs(file) => Some(file),
            Self::Host | Self::Image(_) => None,
        }
    }
}

/// Whether the program, which is another user, may list and enter a directory.
fn is_readable(directory: &Metadata) -> bool {
    directory.permissions().mode() & 0o005 == 0o005
}

/// Gives all files to the program for reading, whatever the umask was when they were created.
fn make_readable(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(path)? {
            make_readable(&entry?.path())?;
        }
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o111;
        fs::set_permissions(path, Permissions::from_mode(0o644 | executable))?;
    }
    Ok(())
}

/// A read-only bind mount of a directory.
#[derive(Debug)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    pub(super) destination: PathBuf,
}

/// Mounts each top-level directory of the image, except the mount points.
fn prepare_image(root: &Path, image: &Path) -> io::Result<Vec<Bind>> {
    let mut binds = Vec::new();
    for entry in fs::read_dir(image)? {
        let entry = entry?;
        let (from, to) = (entry.path(), root.join(entry.file_name()));
        if entry.file_type()?.is_symlink() {
            symlink(fs::read_link(&from)?, to)?;
        } else if entry.file_type()?.is_dir() && !to.exists() {
            fs::create_dir(&to)?;
            binds.push(Bind { destination: Path::new("/").join(entry.file_name()), source: from });
        }
    }
    Ok(binds)
}

/// Mounts /usr, and creates the links to it and a minimal /etc.
fn prepare_host(root: &Path) -> io::Result<Vec<Bind>> {
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        if target.starts_with("usr") || target.starts_with("/usr") {
            symlink(target, root.join(entry.file_name()))?;
        }
    }
    for dir in EMPTY_DIRS {
        fs::create_dir_all(root.join(dir))?;
    }
    let etc = root.join("etc");
    fs::create_dir(&etc)?;
    for (file, content) in [
        ("passwd", PASSWD),
        ("group", GROUP),
        ("hosts", "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n"),
        ("hostname", "sandbox\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("profile", PROFILE),
        ("bash.bashrc", BASHRC),
    ] {
        fs::write(etc.join(file), content)?;
    }
    for file in COPIED_ETC {
        let (from, to) = (Path::new("/etc").join(file), etc.join(file));
        if let Ok(content) = fs::read(from) {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(to, content)?;
        }
    }
    link_certificates(Path::new(CERTIFICATE_LINKS), &etc.join("ssl/certs"))?;
    let mut binds = Vec::new();
    for dir in MOUNTED_DIRS.map(PathBuf::from).into_iter().filter(|dir| dir.is_dir()) {
        fs::create_dir_all(root.join(dir.strip_prefix("/").unwrap_or(&dir)))?;
        binds.push(Bind { source: dir.clone(), destination: dir });
    }
    Ok(binds)
}

/// Copies the links that point into /usr/share, directly or through one other link. Other certificates of the
/// directory are specific to the machine.
fn link_certificates(from: &Path, to: &Path) -> io::Result<()> {
    let links: BTreeMap<OsString, PathBuf> = fs::read_dir(from)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .collect();
    let points_into_usr = |target: &Path| {
        // The target may be another link of the same directory.
        let next = links.get(target.as_os_str()).map_or(target, PathBuf::as_path);
        next.starts_with("/usr/share")
    };
    fs::create_dir_all(to)?;
    for (name, target) in links.iter().filter(|(_, target)| points_into_usr(target)) {
        symlink(target, to.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    #[test]
    fn only_certificates_of_usr_share_are_visible() {
        let dir = env::temp_dir().join(format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple()));
        let (from, to) = (dir.join("from"), dir.join("to"));
        fs::create_dir_all(&from).expect("a directory");
        for (name, target) in [
            ("stock.pem", "/usr/share/ca-certificates/mozilla/stock.crt"),
            ("1234.0", "stock.pem"),
            ("own.pem", "/usr/local/share/ca-certificates/our-company.crt"),
            ("5678.0", "own.pem"),
            ("9abc.0", "snakeoil.pem"),
            ("loop", "loop"),
        ] {
            symlink(target, from.join(name)).expect("a link");
        }
        fs::write(from.join("snakeoil.pem"), "the name of the host").expect("a file");
        link_certificates(&from, &to).expect("links");
        let mut names: Vec<_> =
            fs::read_dir(&to).expect("a directory").map(|e| e.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["1234.0", "stock.pem"]);
        link_certificates(&dir.join("missing"), &dir.join("other")).expect("no links");
        fs::remove_dir_all(&dir).expect("removed");
    }
}
