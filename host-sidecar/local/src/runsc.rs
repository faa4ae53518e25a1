//! Finds gVisor's program `runsc` and starts sandboxes with it.

use super::{SetupError, cgroup::Cgroup, state::RunDir};
use cofferdam_core::os::{
    programs::{self, is_executable},
    user_dirs,
};
use rustix::process::geteuid;
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Child;

/// Records its own process in the first file, joins the cgroups before `--`, and executes the rest. Thus all
/// processes of the sandbox are limited and can be found from the start.
const JOIN_AND_EXEC: &str = r#"
read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat && echo "$boot $stat" >"$1" || exit
shift
while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done
shift
exec "$@""#;

/// An installed `runsc`.
#[derive(Debug, Clone)]
pub(super) struct Runsc {
    program: PathBuf,
    rootless: bool,
}

impl Runsc {
    /// The program of the setting, else the one that `make setup` installed, else the one in PATH.
    /// `make setup` installs one only if PATH has none that is recent enough.
    pub(super) fn find(configured: Option<&Path>) -> Result<Self, SetupError> {
        let rootless = !geteuid().is_root();
        if rootless {
            require_user_namespaces()?;
        }
        if let Some(program) = configured {
            return if is_executable(program) {
                Ok(Self { program: program.to_owned(), rootless })
            } else {
                Err(SetupError::RunscNotExecutable(program.to_owned()))
            };
        }
        let cache = user_dirs::cache().map(|cache| cache.join("bin"));
        let found = programs::find("runsc", cache.iter().cloned().chain(user_dirs::search_path()));
        found.map(|program| Self { program, rootless }).ok_or(SetupError::NoRunsc { cache })
    }

    /// Fails if the program no longer exists.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        if is_executable(&self.program) {
            Ok(())
        } else {
            Err(SetupError::RunscNotExecutable(self.program.clone()))
        }
    }

    /// The path of the program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Whether the sandbox gets a user namespace that maps only root, so that files of other users belong to
    /// `nobody` in it.
    pub(super) fn maps_users(&self) -> bool {
        // A rootless runsc creates such a namespace anyway.
        !self.rootless
            && fs::read_to_string("/proc/sys/user/max_user_namespaces").is_ok_and(|max| max.trim() != "0")
    }

    /// Starts a sandbox. The standard streams of the process are the runner's. It exits with the runner.
    pub(super) fn start(&self, dir: &RunDir, cgroup: &Cgroup) -> io::Result<Child> {
        let mut args: Vec<OsString> = vec![dir.launcher_record().into()];
        args.extend(cgroup.procs_files().map(PathBuf::into_os_string));
        args.extend(["--".into(), self.program.clone().into(), "--root".into(), dir.runsc_root().into()]);
        args.extend(["--network=none", "--ignore-cgroups"].map(Into::into));
        args.extend(self.rootless.then(|| "--rootless".into()));
        args.extend(["run".into(), "--bundle".into(), dir.bundle().into(), dir.id().into()]);
        programs::command("/bin/sh")
            .args(["-c", JOIN_AND_EXEC, "sh"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

fn require_user_namespaces() -> Result<(), SetupError> {
    for (sysctl, forbidden) in [
        ("kernel.unprivileged_userns_clone=1", "0"),
        ("user.max_user_namespaces=15000", "0"),
        ("kernel.apparmor_restrict_unprivileged_userns=0", "1"),
    ] {
        let name = sysctl.split('=').next().unwrap_or_default().replace('.', "/");
        if fs::read_to_string(Path::new("/proc/sys").join(name)).is_ok_and(|value| value.trim() == forbidden)
        {
            return Err(SetupError::NoUserNamespaces { sysctl });
        }
    }
    Ok(())
}
