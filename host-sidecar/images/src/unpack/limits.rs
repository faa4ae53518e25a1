//! Bounds for archives, which anyone may have made.

use serde::{Deserialize, Serialize};

/// Bytes of a path in an archive. Source: `PATH_MAX` of Linux.
pub(super) const MAX_PATH: usize = 4096;
/// Bytes of one name. Source: `NAME_MAX` of Linux.
pub(super) const MAX_NAME: usize = 255;
/// Bytes of a symbolic link's target, without the zero byte that Linux counts.
pub(super) const MAX_TARGET: usize = MAX_PATH - 1;
/// Bytes of an extended header: a path, a target, and attributes that are ignored.
pub(super) const MAX_EXTENSION: u64 = 1 << 20;

/// What unpacking an image may need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackLimits {
    /// Entries of all layers together, and folders that they imply.
    pub entries: u64,
    /// Bytes of all unpacked layers together, and of the root file system.
    pub bytes: u64,
    /// Bytes of all names and targets, which are kept in memory.
    pub name_bytes: u64,
}

impl Default for UnpackLimits {
    /// Some ten times what large images need: a million entries, 64 GiB, 128 MiB of names.
    fn default() -> Self {
        Self { entries: 1_000_000, bytes: 64 << 30, name_bytes: 128 << 20 }
    }
}
