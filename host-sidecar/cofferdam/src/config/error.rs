//! Errors of settings.

use super::origin::Origin;
use cofferdam_core::InvalidSetting;
use cofferdam_types::quoted;
use std::{fmt, path::PathBuf};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A settings file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A settings file is not TOML.
    #[error("{} is not valid TOML: {}", path.display(), without_middle(problem))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line and what is wrong with it.
        problem: String,
    },
    /// A setting is unknown, may not be set where it is set, or has an invalid value.
    #[error("{} {}", Named { origin: origin.as_ref(), setting }, without_middle(problem))]
    Setting {
        /// Where the setting is set; none for a default or an unknown source.
        origin: Option<Origin>,
        /// The setting's name, with the names of the tables that it is in.
        setting: String,
        /// What is wrong: the rest of a sentence that begins with the setting.
        problem: String,
    },
}

impl From<InvalidSetting> for SettingsError {
    fn from(InvalidSetting { setting, problem }: InvalidSetting) -> Self {
        Self::Setting { origin: None, setting, problem }
    }
}

/// A setting as a message calls it.
struct Named<'a> {
    origin: Option<&'a Origin>,
    setting: &'a str,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = quoted(self.setting);
        match self.origin {
            // A value that no file or variable can have, such as a path that is not UTF-8.
            _ if self.setting.is_empty() => f.write_str("an option"),
            Some(Origin::File(path)) => write!(f, "{}: the setting {setting}", path.display()),
            Some(Origin::Variable(name)) => write!(f, "the variable {name}"),
            Some(Origin::CommandLine) | None => write!(f, "the setting {setting}"),
        }
    }
}

/// Characters that a message keeps of the start and of the end of a problem, which may quote a whole file.
const HEAD: usize = 512;
const TAIL: usize = 256;

fn without_middle(message: &str) -> String {
    let head = message.char_indices().nth(HEAD).map_or(message.len(), |(at, _)| at);
    let tail = message.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    if tail <= head { message.to_owned() } else { format!("{} … {}", &message[..head], &message[tail..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_problem_loses_its_middle() {
        for problem in ["é".repeat(500_000), "é\n".repeat(100_000)] {
            for error in [
                SettingsError::Syntax { path: "a.toml".into(), problem: problem.clone() },
                SettingsError::Setting { origin: None, setting: problem.clone(), problem: problem.clone() },
            ] {
                let message = error.to_string();
                assert!(message.chars().count() < 2000, "{message}");
            }
        }
        let short = SettingsError::Syntax { path: "a.toml".into(), problem: "line 1".into() };
        assert_eq!(short.to_string(), "a.toml is not valid TOML: line 1");
    }
}
