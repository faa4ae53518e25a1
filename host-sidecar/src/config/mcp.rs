//! What calls through MCP get that say nothing else.

use super::{Bytes, Seconds, Settings, SettingsError, settings::senseless};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Defaults of calls through MCP, in the place of the others. What comes back is read by a model and goes through a host that
/// takes so much and no more, some of them 1 MB of base64 and all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mcp {
    /// Number of bytes kept of each output stream.
    pub output_limit: Bytes,
    /// Number of files brought back.
    pub collected_files: u32,
    /// Size of the files brought back, in all.
    pub collected_limit: Bytes,
    /// Sessions that one tenant may have at once over HTTP.
    pub max_sessions: u32,
    /// How long a session may be without a call before it ends, in seconds.
    pub session_seconds: Seconds,
}

impl Default for Mcp {
    fn default() -> Self {
        Self {
            output_limit: Bytes(32 << 10),
            collected_files: 20,
            collected_limit: Bytes(640 << 10),
            max_sessions: 256,
            session_seconds: Seconds(Duration::from_secs(300)),
        }
    }
}

impl Settings {
    /// Makes sure that what MCP needs makes sense.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Senseless`], naming the setting.
    pub(super) fn check_mcp(&self) -> Result<(), SettingsError> {
        if self.mcp.collected_files == 0 { Err(senseless("mcp.collected_files", "is zero")) } else { Ok(()) }
    }
}
