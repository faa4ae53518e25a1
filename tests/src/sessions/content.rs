//! The content of files and streams: text, a file of the case, or generated. Pure.

use super::SessionCase;
use crate::conformance::Failure;
use serde::Deserialize;

/// A content. At most one field is set; without any it is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content {
    #[serde(rename = "content")]
    text: Option<String>,
    /// A file of the case.
    #[serde(rename = "content-of")]
    file: Option<String>,
    /// So many bytes, of which each eight are their own number in big endian, so that a lost, doubled or moved part is
    /// seen, and all values of a byte occur.
    numbered: Option<usize>,
}

impl Content {
    /// Whether any field is set.
    pub(super) fn is_set(&self) -> bool {
        self.text.is_some() || self.file.is_some() || self.numbered.is_some()
    }

    /// The bytes.
    pub(super) fn bytes(&self, case: &SessionCase) -> Result<Vec<u8>, Failure> {
        match (&self.text, &self.file, self.numbered) {
            (None, None, None) => Ok(Vec::new()),
            (Some(text), None, None) => Ok(text.clone().into_bytes()),
            (None, Some(file), None) => case.file(file),
            (None, None, Some(length)) => Ok(numbered(length)),
            _ => Err("a content is one of `content`, `content-of` and `numbered`".into()),
        }
    }
}

/// Bytes of which each eight are their own number.
#[must_use]
pub fn numbered(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length.div_ceil(8) as u64).flat_map(u64::to_be_bytes).collect();
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_bytes_count() {
        assert_eq!(numbered(18), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert!((0..=u8::MAX).all(|value| numbered(2048).contains(&value)));
    }
}
