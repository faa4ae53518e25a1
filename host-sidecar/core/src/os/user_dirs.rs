//! Directories of the user. Source: XDG base directory specification.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The cache directory; none if the user has no home directory.
pub fn cache() -> Option<PathBuf> {
    base_dir("XDG_CACHE_HOME", ".cache")
}

/// The configuration directory; none if the user has no home directory.
pub fn config() -> Option<PathBuf> {
    base_dir("XDG_CONFIG_HOME", ".config")
}

/// The runtime directory of the login session, for sockets; none if XDG_RUNTIME_DIR is not set.
pub fn runtime() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())
}

/// Whether the user has a home directory. A relative one would be below the working directory, which others
/// may control.
pub fn has_home() -> bool {
    env::home_dir().is_some_and(|home| home.is_absolute())
}

/// The absolute directories of PATH. Others would be the working directory or below it, which others may
/// control.
pub fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect()
}

fn base_dir(variable: &str, below_home: &str) -> Option<PathBuf> {
    resolve(env::var_os(variable), env::home_dir().as_deref(), below_home)
}

/// Ignores a variable that is empty or relative, as the specification requires ("Environment variables").
fn resolve(variable: Option<OsString>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
    let set = variable.map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = home.filter(|home| home.is_absolute());
    Some(set.or_else(|| Some(home?.join(below_home)))?.join("cofferdam"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_relative_variable_is_ignored() {
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
            let found = resolve(variable.map(Into::into), home, ".config");
            assert_eq!(found, expected.map(PathBuf::from), "{variable:?} {home:?}");
        }
    }
}
