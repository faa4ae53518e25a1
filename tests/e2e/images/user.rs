//! A user without rights.

use cofferdam_tests::program::{TestDir, root};
use rustix::process::geteuid;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    process::{Command, Stdio},
};

const NOBODY: u32 = 65534;

/// Makes the folder one of an ordinary user, with copies of the programs, which that user may not be able to read.
/// Returns the command `cofferdam` of that user.
pub(super) fn ordinary(dir: &TestDir) -> impl Fn(&[&str]) -> Command {
    let local = cofferdam::local::LocalBackend::find_runsc(&cofferdam::local::LocalConfig::default());
    let program = dir.path().join("cofferdam");
    fs::copy(root().join("target/release/cofferdam"), &program).expect("a copy");
    fs::copy(local.expect("`make setup` installs gVisor"), dir.path().join("runsc")).expect("a copy");
    let is_root = geteuid().is_root();
    if is_root {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a folder");
        chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("a folder");
    }
    move |args| {
        let mut command =
            Command::new(if is_root { "setpriv".into() } else { program.clone().into_os_string() });
        if is_root {
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&program);
        }
        command
            .args(args)
            .current_dir(dir.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", dir.path())
            .env("COFFERDAM_RUNSC", "./runsc")
            .env("COFFERDAM_STATE_DIR", dir.state())
            .env("COFFERDAM_IMAGES__DIR", dir.path().join("images"))
            .stdin(Stdio::null());
        command
    }
}
