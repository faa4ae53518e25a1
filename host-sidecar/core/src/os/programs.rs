//! Programs of this machine that are started.

use crate::os::user_folders;
use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// The first program of this name in these folders.
pub fn find(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.into_iter().map(|folder| folder.join(name)).find(|program| is_executable(program))
}

/// Whether it is a file that can be executed.
pub fn is_executable(program: &Path) -> bool {
    fs::metadata(program).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// A command with no variable of our environment but PATH: the rest, such as tokens, is not for it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", env::join_paths(user_folders::search_path()).unwrap_or_default());
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
    fn what_is_no_program_is_passed_over() {
        let folders = || ["/nowhere", "/usr", "/proc", "/bin"].map(PathBuf::from);
        assert_eq!(find("sh", folders()), Some("/bin/sh".into()));
        for name in ["bin", "cpuinfo", "nothing-of-this-name"] {
            assert_eq!(find(name, folders()), None, "{name}");
        }
    }
}
