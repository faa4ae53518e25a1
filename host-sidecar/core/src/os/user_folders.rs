//! Folders of the user's, by the XDG base directory specification.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where what can be made again is kept; none where the user has no home.
pub fn cache() -> Option<PathBuf> {
    own("XDG_CACHE_HOME", ".cache")
}

/// Where settings are kept; none where the user has no home.
pub fn config() -> Option<PathBuf> {
    own("XDG_CONFIG_HOME", ".config")
}

/// Where sockets and other files of a login session are; none where XDG_RUNTIME_DIR is not set.
pub fn runtime() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// Whether the user's home is a folder of its own, and not the working directory.
pub fn has_home() -> bool {
    env::home_dir().is_some_and(|home| home.is_absolute())
}

/// The folders of PATH. One that is empty or relative would be the working directory, or lie in it.
pub fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

fn own(variable: &str, below_home: &str) -> Option<PathBuf> {
    folder(env::var_os(variable), env::home_dir().as_deref(), below_home)
}

/// A variable that is empty or relative is not set. Source: the specification, "Environment variables".
fn folder(variable: Option<OsString>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
    let set = variable.map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = home.filter(|home| home.is_absolute());
    Some(set.or_else(|| Some(home?.join(below_home)))?.join("cofferdam"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_empty_or_relative_is_not_set() {
        let home = Some(Path::new("/home/a"));
        for (variable, home, expected) in [
            (Some("/c"), home, Some("/c/cofferdam")),
            (None, home, Some("/home/a/.config/cofferdam")),
            (Some(""), home, Some("/home/a/.config/cofferdam")),
            (Some("."), home, Some("/home/a/.config/cofferdam")),
            (Some("c"), None, None),
            (None, Some(Path::new("")), None),
            (Some(""), Some(Path::new("a")), None),
        ] {
            let found = folder(variable.map(Into::into), home, ".config");
            assert_eq!(found, expected.map(PathBuf::from), "{variable:?} {home:?}");
        }
    }
}
