//! Executes a case's program without a sandbox.

use super::{Case, Failure, case::Status};
use rustix::process::geteuid;
use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// The outcome of a native execution.
pub(super) struct Native {
    pub(super) status: Status,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// The search path of a sandbox.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Executes `env` with another root: its root, working directory and home are the first three arguments.
const IN_ROOT: &str = r#"
set -e
root=$1 work=$2 home=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$work" "$root/work"
mount --bind "$home" "$root/home/user"
exec chroot "$root" env --chdir=/work "$@"
"#;

/// Executes the program in a temporary folder, with the environment of a sandbox, and with the files of a folder
/// instead of those of this machine.
pub(super) fn run(case: &Case, root: Option<&Path>) -> Result<Native, Failure> {
    let (work, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for file in case.files()? {
        let path = work.path().join(&file.path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, &file.content)?;
    }
    fs::write(work.path().join(case.program()), case.code()?)?;
    let interpreter: &[&str] = if case.is_bash() { &["/usr/bin/bash"] } else { &["/usr/bin/python3", "-u"] };
    let stdin = case.stdin()?;
    let home_in_root = if root.is_some() { Path::new("/home/user") } else { home.path() };
    let own = [format!("PATH={PATH}"), "LANG=C.UTF-8".into(), format!("HOME={}", home_in_root.display())];
    let requested = case.spec.request.env.iter().map(|(name, value)| format!("{name}={value}"));
    let mut child = env(root, work.path(), home.path())
        .arg("--ignore-environment")
        .args(own.into_iter().chain(requested))
        .args(interpreter)
        .arg(case.program())
        .args(&case.spec.request.args)
        .current_dir(work.path())
        .env_clear()
        .env("PATH", PATH)
        .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), stdin) {
        // The program may leave standard input unread.
        thread::spawn(move || pipe.write_all(&bytes));
    }
    let output = child.wait_with_output()?;
    let status = match (output.status.code(), output.status.signal()) {
        (Some(code), _) => Status::Exited(u8::try_from(code)?),
        (None, signal) => Status::Killed(u8::try_from(signal.unwrap_or_default())?),
    };
    let with_sandbox_paths = |bytes| replace(bytes, work.path());
    Ok(Native {
        status,
        stdout: with_sandbox_paths(output.stdout),
        stderr: with_sandbox_paths(output.stderr),
    })
}

/// The command `env`. A shell would drop variables whose names are not its own.
fn env(root: Option<&Path>, work: &Path, home: &Path) -> Command {
    let Some(root) = root else { return Command::new("/usr/bin/env") };
    let mut command = Command::new("unshare");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", IN_ROOT, "sh"]).args([root, work, home]);
    command
}

/// Replaces the path of the temporary folder by that of the working directory in a sandbox.
fn replace(bytes: Vec<u8>, work: &Path) -> Vec<u8> {
    let work = work.as_os_str().as_encoded_bytes();
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(work.len()).position(|window| window == work) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(b"/work");
        rest = &rest[at + work.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
