//! What the process answers: that the root file system is complete, or why it is not. The answer is not trusted:
//! it is short, and shown without control characters.

use crate::{Digest, ImageError};
use serde::{Deserialize, Serialize};
use std::io;

/// Bytes of an answer.
pub(super) const MAX_REPORT: u64 = 16 << 10;
/// Characters of a text in it that are shown.
const MAX_TEXT: usize = 1000;

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    Complete,
    Failed {
        /// The index of the layer that was being applied.
        layer: Option<usize>,
        failure: Failure,
    },
}

/// An error of [`crate::Unpacker`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    Archive(String),
    Limit { what: String, limit: u64 },
    WrongDigest { expected: Digest, received: Digest },
    Io { action: String, os_error: Option<i32>, text: String },
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Archive(problem) => Self::Archive(problem),
            ImageError::Limit { what, limit } => Self::Limit { what: what.into_owned(), limit },
            ImageError::WrongDigest { expected, received } => Self::WrongDigest { expected, received },
            ImageError::Io { action, source } => {
                Self::Io { action, os_error: source.raw_os_error(), text: source.to_string() }
            }
            error => Self::Archive(error.to_string()),
        }
    }
}

impl From<Failure> for ImageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Archive(problem) => Self::Archive(shown(&problem)),
            Failure::Limit { what, limit } => Self::Limit { what: shown(&what).into(), limit },
            Failure::WrongDigest { expected, received } => Self::WrongDigest { expected, received },
            Failure::Io { action, os_error, text } => {
                let source =
                    os_error.map_or_else(|| io::Error::other(shown(&text)), io::Error::from_raw_os_error);
                Self::Io { action: shown(&action), source }
            }
        }
    }
}

/// A text of bounded length without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MAX_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stays_what_it_is() {
        let (expected, received) = (Digest::of(b"a"), Digest::of(b"b"));
        for error in [
            ImageError::Archive("x".into()),
            ImageError::Limit { what: "bytes".into(), limit: 5 },
            ImageError::WrongDigest { expected, received },
            ImageError::Io { action: "write".into(), source: io::Error::from_raw_os_error(28) },
        ] {
            let text = error.to_string();
            let json = serde_json::to_vec(&Failure::from(error)).expect("JSON");
            let failure: Failure = serde_json::from_slice(&json).expect("a failure");
            assert_eq!(ImageError::from(failure).to_string(), text);
        }
    }

    #[test]
    fn a_text_is_short_and_has_no_control_characters() {
        assert_eq!(shown("a\nb\u{1b}[2Jc"), "a b [2Jc");
        assert_eq!(shown(&"x".repeat(5000)).len(), MAX_TEXT);
    }
}
