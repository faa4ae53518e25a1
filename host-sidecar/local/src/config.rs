//! The settings of the local backend.

use std::path::PathBuf;

/// What sandboxes on this machine are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalConfig {
    /// The gVisor program. Default: the one that set-up built, else `runsc` of PATH.
    pub runsc: Option<PathBuf>,
    /// An unpacked image for the sandbox's root. Default: the /usr of this machine.
    pub rootfs: Option<PathBuf>,
    /// Where executions keep what they need while they last. Default: a folder of the user's that does not outlive a reboot.
    pub state_dir: Option<PathBuf>,
}
