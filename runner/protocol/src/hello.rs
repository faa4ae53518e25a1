//! What sidecar and runner say of themselves, first on each connection.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The version of the protocol.
pub const VERSION: u16 = 2;

/// What one side can do. Both sides use what both can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions of the protocol, of which both sides use the highest common one.
    pub versions: Vec<u16>,
    /// Names of optional abilities.
    pub features: Vec<String>,
}

/// The other side has no version of the protocol in common with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "sidecar and runner have no version of their protocol in common (this side has version {VERSION}); use a sidecar \
     and a runner of the same version"
)]
pub struct Incompatible;

impl Hello {
    /// What this version can do.
    #[must_use]
    pub fn of_this_version(features: &[&str]) -> Self {
        Self {
            versions: [VERSION].into(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Checks that the other side has a version in common with this one.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn check(&self) -> Result<(), Incompatible> {
        if self.versions.contains(&VERSION) { Ok(()) } else { Err(Incompatible) }
    }

    /// Whether the other side has this ability.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}
