//! The settings of the local backend.

use std::path::PathBuf;

/// The configuration of the local backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalConfig {
    /// The path of `runsc`. Default: the one that `make setup` installed, else the one in PATH.
    pub runsc: Option<PathBuf>,
    /// An unpacked image, the sandbox's root file system. Default: this machine's /usr.
    pub rootfs: Option<PathBuf>,
    /// The image of languages that name none, in place of `rootfs`. Default: none.
    pub image: Option<String>,
    /// The directory of temporary files. Default: one that belongs to the user and does not survive a reboot.
    pub state_dir: Option<PathBuf>,
}
