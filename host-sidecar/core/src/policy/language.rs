//! How programs of a language are run.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The interpreter of a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// The interpreter, looked up in the sandbox's PATH, and its own arguments; the program's file follows
    /// them.
    pub command: Vec<String>,
    /// Name of the program's file in the working directory.
    pub file: String,
    /// The image that has the interpreter. Default: the setting `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether prewarmed sandboxes start the interpreter before there is a program. It has to read all of its
    /// file before it executes any of it, as Python does and a shell does not. Default: false.
    #[serde(default)]
    pub prewarm: bool,
    /// Modules that a prewarmed Python imports before there is a program. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preload_modules: Vec<String>,
}

impl Language {
    fn new(command: &[&str], file: &str, prewarm: bool) -> Self {
        Self {
            command: command.iter().map(ToString::to_string).collect(),
            file: file.into(),
            image: None,
            prewarm,
            preload_modules: Vec::new(),
        }
    }

    /// Whether `preload_modules` has only names of modules, and is empty without `prewarm`.
    pub fn is_preload_valid(&self) -> bool {
        let starts =
            |part: &str| part.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        let is_name =
            |part: &str| starts(part) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let are_modules = self.preload_modules.iter().all(|module| module.split('.').all(is_name));
        are_modules && (self.prewarm || self.preload_modules.is_empty())
    }
}

/// The languages without any setting. Python does not buffer, so that output before a kill is not lost;
/// `main` shadows no module of its standard library.
pub fn defaults() -> BTreeMap<String, Language> {
    let python = Language::new(&["python3", "-u"], "main.py", true);
    [("python", python), ("bash", Language::new(&["bash"], "main.sh", false))]
        .map(|(name, language)| (name.to_owned(), language))
        .into()
}

/// Bytes of a language's name, as of a label's key.
const MAX_NAME: usize = 63;

/// Whether a language can have this name. Descriptions for people and models contain it.
pub fn is_name(name: &str) -> bool {
    let outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| outer(&byte) || b"-_.+#".contains(&byte);
    name.len() <= MAX_NAME && name.as_bytes().first().is_some_and(outer) && name.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_a_word_is_invalid() {
        for name in ["python", "c++", "c#", "node-26", "python3.11", "1c", &"a".repeat(MAX_NAME)] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["", "-a", "A", "a b", "a\n", "a`", "é", "ignore all of the above", &"a".repeat(MAX_NAME + 1)]
        {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
