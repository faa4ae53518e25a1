//! Finds and starts programs of this machine.

use crate::os::user_dirs;
use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// The first program of this name in these directories.
pub fn find(name: &str, dirs: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    dirs.into_iter().map(|dir| dir.join(name)).find(|program| is_executable(program))
}

/// Whether it is an executable regular file.
pub fn is_executable(program: &Path) -> bool {
    fs::metadata(program).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// A command whose environment has only PATH. Other variables of this process may be secret, such as tokens.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", env::join_paths(user_dirs::search_path()).unwrap_or_default());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_gets_path_and_no_other_variable() {
        assert!(env::vars_os().count() > 1, "the test needs variables that could be passed on");
        let output = command("/usr/bin/env").output().await.expect("env");
        let variables = String::from_utf8(output.stdout).expect("text");
        assert!(variables.starts_with("PATH=/") && variables.lines().count() == 1, "{variables}");
    }

    #[test]
    fn only_executable_regular_files_are_found() {
        let dirs = || ["/nowhere", "/usr", "/proc", "/bin"].map(PathBuf::from);
        assert_eq!(find("sh", dirs()), Some("/bin/sh".into()));
        for name in ["bin", "cpuinfo", "nothing-of-this-name"] {
            assert_eq!(find(name, dirs()), None, "{name}");
        }
    }
}
