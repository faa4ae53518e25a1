//! The gVisor program: finding it, starting a sandbox with it.

use super::{SetupError, cgroup::Cgroup, state::RunDir};
use cofferdam_core::os::{
    programs::{self, is_executable},
    user_folders,
};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Child;

/// Writes to the first file which process it is, joins the cgroups that are named before `--` and becomes the rest:
/// whatever it starts is bounded, and can be found, from its first moment.
const JOIN_AND_EXEC: &str = r#"
read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat && echo "$boot $stat" >"$1" || exit
shift
while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done
shift
exec "$@""#;

/// A usable gVisor.
#[derive(Debug, Clone)]
pub(super) struct Runsc {
    program: PathBuf,
    rootless: bool,
}

impl Runsc {
    /// The one that was named, else the one that set-up built, else that of PATH. Set-up builds one only where PATH has
    /// none that is new enough.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, SetupError> {
        let rootless = !rustix::process::geteuid().is_root();
        if rootless {
            require_user_namespaces()?;
        }
        if let Some(named) = named {
            return if is_executable(named) {
                Ok(Self { program: named.to_owned(), rootless })
            } else {
                Err(SetupError::RunscNotExecutable(named.to_owned()))
            };
        }
        let cache = user_folders::cache().map(|cache| cache.join("bin"));
        let found = programs::find("runsc", cache.iter().cloned().chain(user_folders::search_path()));
        found.map(|program| Self { program, rootless }).ok_or(SetupError::NoRunsc { cache })
    }

    /// Fails if the program is no longer there.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        if is_executable(&self.program) { Ok(()) } else { Err(SetupError::RunscNotExecutable(self.program.clone())) }
    }

    /// The program itself.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Whether files of the machine can be shown with no owner but root: what others own is nobody's then.
    pub(super) fn maps_users(&self) -> bool {
        // gVisor does it by itself where it runs without rights.
        !self.rootless && fs::read_to_string("/proc/sys/user/max_user_namespaces").is_ok_and(|most| most.trim() != "0")
    }

    /// Starts the sandbox of a run. Its streams are the runner's; it dies with the runner.
    pub(super) fn start(&self, dir: &RunDir, cgroup: &Cgroup) -> io::Result<Child> {
        let mut words: Vec<OsString> = vec![dir.launcher_record().into()];
        words.extend(cgroup.members_files().map(PathBuf::into_os_string));
        words.extend(["--".into(), self.program.clone().into(), "--root".into(), dir.runsc_root().into()]);
        words.extend(["--network=none", "--ignore-cgroups"].map(Into::into));
        words.extend(self.rootless.then(|| "--rootless".into()));
        words.extend(["run".into(), "--bundle".into(), dir.bundle().into(), dir.id().into()]);
        programs::command("/bin/sh")
            .args(["-c", JOIN_AND_EXEC, "sh"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

fn require_user_namespaces() -> Result<(), SetupError> {
    for (sysctl, forbids) in [
        ("kernel.unprivileged_userns_clone=1", "0"),
        ("user.max_user_namespaces=15000", "0"),
        ("kernel.apparmor_restrict_unprivileged_userns=0", "1"),
    ] {
        let name = sysctl.split('=').next().unwrap_or_default().replace('.', "/");
        if fs::read_to_string(Path::new("/proc/sys").join(name)).is_ok_and(|value| value.trim() == forbids) {
            return Err(SetupError::NoUserNamespaces { sysctl });
        }
    }
    Ok(())
}
