//! Settings that cannot be used.

use cofferdam_core::InvalidSetting;
use cofferdam_types::shortened;
use std::path::PathBuf;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read; the message names it and where it comes from.
    #[error("{}", without_middle(&.0.to_string()))]
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
    /// A value is well formed and invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidSetting),
}

/// Characters of a message at its start, which says where the setting stands, and at its end, which says what is wrong. Between
/// them may be what a file says, which is as long as that file.
const HEAD: usize = 1024;
const TAIL: usize = 512;

fn without_middle(message: &str) -> String {
    let head = message.char_indices().nth(HEAD).map_or(message.len(), |(at, _)| at);
    let tail = message.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    if tail <= head { message.to_owned() } else { format!("{} … {}", &message[..head], &message[tail..]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use figment::{
        Figment,
        providers::{Format, Toml},
    };

    #[test]
    fn a_message_repeats_little_of_a_file_that_is_long() {
        for text in [
            format!("timeout_seconds = '{}'", "é".repeat(500_000)),
            format!("timeout_seconds = 1 {}", "é".repeat(500_000)),
            format!("'{}' = 1", "é\\n".repeat(100_000)),
        ] {
            let error = toml(&text).expect_err("no settings");
            let long = error.to_string().len();
            let message = SettingsError::Malformed(error).to_string();
            assert!(long > 100_000 && message.chars().count() < 2000, "{long} {message}");
        }
        let error = toml("timeout_seconds = 'no time'").expect_err("no settings");
        let message = error.to_string();
        assert_eq!(SettingsError::Malformed(error).to_string(), message);
    }

    fn toml(text: &str) -> Result<Settings, Box<figment::Error>> {
        Ok(Figment::from(Toml::string(text)).extract()?)
    }
}
