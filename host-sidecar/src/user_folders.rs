//! Folders of the user's, by the XDG base directory specification.

use std::{env, path::PathBuf};

/// Where what can be made again is kept; none where the user has no home.
pub(crate) fn cache() -> Option<PathBuf> {
    own("XDG_CACHE_HOME", ".cache")
}

/// Where settings are kept; none where the user has no home.
pub(crate) fn config() -> Option<PathBuf> {
    own("XDG_CONFIG_HOME", ".config")
}

fn own(variable: &str, below_home: &str) -> Option<PathBuf> {
    let base = env::var_os(variable).map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(below_home)));
    base.map(|base| base.join("cofferdam"))
}
