//! Settings that cannot be used.

use cofferdam_contract::shortened;
use std::path::PathBuf;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read; the message names it and where it comes from.
    #[error("{0}")]
    Malformed(Box<figment::Error>),
    /// A configuration file that was named is not there.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The working directory's file holds a setting that no request could ask for.
    #[error(
        "{} sets `{}`, which a file found in the working directory may not: put it into \
         ~/.config/cofferdam/cofferdam.toml, or name the file with --config",
        path.display(),
        shortened(setting)
    )]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// The setting.
        setting: String,
    },
    /// The working directory's file holds what is no setting.
    #[error(
        "{} sets `{}`, which is no setting{}",
        path.display(),
        shortened(name),
        nearest.as_ref().map(|nearest| format!("; is `{nearest}` meant?")).unwrap_or_default()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The setting whose name is most like it.
        nearest: Option<String>,
    },
    /// A variable of the environment is a setting, and its value is none.
    #[error("the variable {name} cannot be used: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// A value that is a value of its kind and still makes no sense.
    #[error("the setting `{setting}` {problem}")]
    Senseless {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
}
