//! What calls through MCP get that say nothing else.

use cofferdam_core::{
    InvalidSetting,
    quantity::{Bytes, Seconds},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Defaults of calls through MCP, in the place of the others. What comes back is read by a model and goes through a host that
/// takes so much and no more, some of them 1 MB of base64 and all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
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

impl Default for McpConfig {
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

impl McpConfig {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`], naming the setting.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if self.collected_files == 0 {
            return Err(InvalidSetting::new("mcp.collected_files", "is zero"));
        }
        Ok(())
    }
}
