//! The error for an invalid setting.

/// A setting with a well-formed but invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{setting}` {problem}")]
pub struct InvalidSetting {
    /// The setting's name, with the names of its tables.
    pub setting: String,
    /// What is wrong with its value. Completes a sentence that begins with the setting.
    pub problem: String,
}

impl InvalidSetting {
    /// An error for this setting.
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}
