//! A case of sessions: the specification in its folder.

use super::steps::{Open, Step};
use crate::conformance::{Failure, TestCase, case_folders};
use serde::Deserialize;
use std::{fs, path::PathBuf, time::Duration};

/// Time in which the steps of a case must be over, if it sets none: only a hang takes that long.
const TIMEOUT_SECONDS: u64 = 300;

/// A folder of `tests/conformance/sessions/` or `tests/hostile/sessions/`.
#[derive(Debug, Clone)]
pub struct SessionCase {
    folder: PathBuf,
    pub(super) spec: SessionCaseSpec,
}

/// `case.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SessionCaseSpec {
    #[expect(dead_code, reason = "it is required, but only people read it")]
    about: String,
    /// The settings of the session `main`.
    #[serde(default)]
    pub(super) session: Open,
    /// Time in which the steps must be over.
    #[serde(default = "timeout_seconds")]
    timeout_seconds: u64,
    /// Of a hostile case: the reasons for which its first session may have ended. Empty: it must be usable.
    #[serde(default)]
    pub(super) may_end: Vec<String>,
    pub(super) steps: Vec<Step>,
}

const fn timeout_seconds() -> u64 {
    TIMEOUT_SECONDS
}

impl SessionCase {
    /// Every case of a suite, `conformance` or `hostile`, sorted by name.
    ///
    /// # Errors
    ///
    /// A folder has no valid `case.toml`.
    pub fn all(suite: &str) -> Result<Vec<Self>, Failure> {
        case_folders(&format!("{suite}/sessions"))?.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> Result<Self, Failure> {
        let file = folder.join("case.toml");
        let with_path = |error: Failure| -> Failure { format!("{}: {error}", file.display()).into() };
        let text = fs::read_to_string(&file).map_err(|error| with_path(error.into()))?;
        let spec: SessionCaseSpec = toml::from_str(&text).map_err(|error| with_path(error.into()))?;
        if spec.steps.is_empty() {
            return Err(with_path("it has no steps".into()));
        }
        Ok(Self { folder, spec })
    }

    /// A file of the folder.
    pub(super) fn file(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join(name);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Time in which the steps must be over.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.spec.timeout_seconds)
    }
}

impl TestCase for SessionCase {
    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}
