//! The settings of MCP.

use crate::setup_error::SetupError;
use cofferdam_core::{
    InvalidSetting,
    quantity::{Bytes, Seconds},
};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf, time::Duration};

/// Limits of calls and sessions over MCP. A model reads the result of a call, and some hosts refuse results
/// over 1 MB including base64, so the defaults are lower than those of other executions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
    /// Bytes kept of each output stream.
    pub output_limit: Bytes,
    /// Number of files returned.
    pub collected_files: u32,
    /// Total bytes of the files returned.
    pub collected_limit: Bytes,
    /// The directory whose files and folders a call may name to copy them into the working directory. Any caller of
    /// the tool may read all of it. None: a call carries the content of its files.
    pub input_dir: Option<PathBuf>,
    /// Concurrent sessions of one tenant over HTTP.
    pub max_sessions: u32,
    /// Seconds without a call after which a session ends.
    pub session_seconds: Seconds,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            output_limit: Bytes(32 << 10),
            collected_files: 20,
            collected_limit: Bytes(640 << 10),
            input_dir: None,
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

    /// Checks that the input directory can be read.
    pub(crate) fn check_input_dir(&self) -> Result<(), SetupError> {
        let Some(path) = &self.input_dir else { return Ok(()) };
        let read = fs::read_dir(path).map(drop);
        read.map_err(|source| SetupError::InputDir { path: path.clone(), source })
    }
}
