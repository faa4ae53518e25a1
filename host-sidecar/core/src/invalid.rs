//! Settings that are well formed and invalid.

/// A setting whose value is well formed and invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{setting}` {problem}")]
pub struct InvalidSetting {
    /// The setting's name, with the names of the tables that it is in.
    pub setting: String,
    /// What is wrong with its value: the rest of a sentence that begins with the setting.
    pub problem: String,
}

impl InvalidSetting {
    /// Names a setting and what is wrong with it.
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}
