//! Files of a session. A name that is not UTF-8 is shown with U+FFFD, and its bytes are beside it in base64.

use crate::Mode;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use base64::{display::Base64Display, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

/// A file, a directory, or something else that has a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileEntry {
    /// Its path. In a list, it is relative to the directory.
    pub path: String,
    /// The bytes of the path in base64, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What it is.
    pub kind: FileKind,
    /// Bytes of a file, or of a link's target.
    pub size: u64,
    /// The permission bits.
    pub mode: Mode,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: u64,
    /// The target of a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The bytes of the target in base64, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_bytes: Option<String>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a FIFO or a socket.
    Other,
}

/// The entries of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileList {
    /// In no particular order.
    pub entries: Vec<FileEntry>,
}

/// A name as text, and its bytes in base64 if they are not UTF-8.
#[must_use]
pub fn name_of(bytes: &[u8]) -> (String, Option<String>) {
    let encoded = || Base64Display::new(bytes, &BASE64_STANDARD).to_string();
    let is_text = str::from_utf8(bytes).is_ok();
    (String::from_utf8_lossy(bytes).into_owned(), (!is_text).then(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_utf_8_has_its_bytes_beside_it() {
        assert_eq!(name_of("größe".as_bytes()), ("größe".into(), None));
        assert_eq!(name_of(b"a\xffb"), ("a\u{fffd}b".into(), Some("Yf9i".into())));
    }
}
