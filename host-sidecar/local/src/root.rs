//! The sandbox's root: this machine's /usr with a minimum around it, or an unpacked image. Read-only either way.

use super::{SetupError, state::RunDir};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// The runner, a static program.
use cofferdam_runner_artifact::RUNNER;
/// Where the runner is inside the sandbox.
pub(super) const RUNNER_PATH: &str = "/cofferdam/runner";
/// Folders of every root: file systems are mounted on them, by runsc or by the runner.
const MOUNT_POINTS: [&str; 7] = ["cofferdam", "dev", "home/user", "proc", "sys", "tmp", "work"];
/// Empty folders beside these, as every distribution has them.
const USUAL: [&str; 7] = ["media", "mnt", "opt", "root", "run", "srv", "var/tmp"];
/// Files of this machine's /etc that its programs read and that say nothing of it.
const SHARED_ETC: [&str; 13] = [
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
/// Folders, likewise.
const SHARED: [&str; 4] = ["/usr", "/etc/alternatives", "/etc/fonts", "/etc/perl"];
/// Where certificates are found by the hash of their subject. Those of its own making name the machine.
const CERTIFICATES: &str = "/etc/ssl/certs";
/// What shells read when they start. The machine's own are its administrator's.
const PROFILE: &str = r#"if [ -n "${BASH-}" ] && [ "$BASH" != /bin/sh ]; then
  . /etc/bash.bashrc
fi
"#;
const BASHRC: &str = r#"if [ -n "${PS1-}" ]; then
  PS1='\u@\h:\w\$ '
fi
"#;
/// The users that programs ask for by name, and the one that they are.
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

    /// Writes a run's root: folders to mount on, links, and what is not shared with this machine or the image. Gives
    /// the folders that are to be mounted into it, read-only. Nothing is written to the image itself.
    pub(super) fn prepare(&self, dir: &RunDir) -> io::Result<Vec<Bind>> {
        let (runner, root) = (dir.runner_dir(), dir.root());
        fs::create_dir_all(&runner)?;
        fs::write(runner.join("runner"), RUNNER)?;
        fs::set_permissions(runner.join("runner"), Permissions::from_mode(0o755))?;
        for folder in MOUNT_POINTS {
            fs::create_dir_all(root.join(folder))?;
        }
        let mut binds = match self {
            Self::Host => lay_out_host(&root),
            Self::Image(image) => lay_out_image(&root, image),
        }?;
        binds.push(Bind { from: runner, to: "/cofferdam".into() });
        Ok(binds)
    }
}

/// A folder that a run's root shows read-only.
#[derive(Debug)]
pub(super) struct Bind {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// Every folder of the image but those that the sandbox has of its own.
fn lay_out_image(root: &Path, image: &Path) -> io::Result<Vec<Bind>> {
    let mut binds = Vec::new();
    for entry in fs::read_dir(image)? {
        let entry = entry?;
        let (from, to) = (entry.path(), root.join(entry.file_name()));
        if entry.file_type()?.is_symlink() {
            symlink(fs::read_link(&from)?, to)?;
        } else if entry.file_type()?.is_dir() && !to.exists() {
            fs::create_dir(&to)?;
            binds.push(Bind { to: Path::new("/").join(entry.file_name()), from });
        }
    }
    Ok(binds)
}

/// /usr with links to it, and a minimum of /etc.
fn lay_out_host(root: &Path) -> io::Result<Vec<Bind>> {
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        if target.starts_with("usr") || target.starts_with("/usr") {
            symlink(target, root.join(entry.file_name()))?;
        }
    }
    for folder in USUAL {
        fs::create_dir_all(root.join(folder))?;
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
    for file in SHARED_ETC {
        let (from, to) = (Path::new("/etc").join(file), etc.join(file));
        if let Ok(content) = fs::read(from) {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(to, content)?;
        }
    }
    link_certificates(Path::new(CERTIFICATES), &etc.join("ssl/certs"))?;
    let mut binds = Vec::new();
    for folder in SHARED.map(PathBuf::from).into_iter().filter(|folder| folder.is_dir()) {
        fs::create_dir_all(root.join(folder.strip_prefix("/").unwrap_or(&folder)))?;
        binds.push(Bind { from: folder.clone(), to: folder });
    }
    Ok(binds)
}

/// Makes the same links as those of the machine that lead into /usr, at once or by way of one another. What lies in the
/// folder itself is the machine's own.
fn link_certificates(from: &Path, to: &Path) -> io::Result<()> {
    let links: BTreeMap<OsString, PathBuf> = fs::read_dir(from)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .collect();
    let leads_into_usr = |target: &Path| {
        // A name in the same folder, and at most one more after it.
        let next = links.get(target.as_os_str()).map_or(target, PathBuf::as_path);
        next.starts_with("/usr/share")
    };
    fs::create_dir_all(to)?;
    for (name, target) in links.iter().filter(|(_, target)| leads_into_usr(target)) {
        symlink(target, to.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    #[test]
    fn of_the_certificates_only_those_of_usr_are_shown() {
        let folder = env::temp_dir().join(format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::create_dir_all(&from).expect("a folder");
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
            fs::read_dir(&to).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["1234.0", "stock.pem"]);
        link_certificates(&folder.join("nowhere"), &folder.join("else")).expect("nothing to link");
        fs::remove_dir_all(&folder).expect("a folder");
    }
}
