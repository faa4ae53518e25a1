//! Steps that concern files.

use super::SessionName;
use crate::sessions::{content::Content, expected::ExpectedError};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct OfPath {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// Reads a file. Without a content, only that it can be read is checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct ReadFile {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    #[serde(flatten)]
    pub(in crate::sessions) content: Content,
    /// Parts of the content.
    #[serde(default)]
    pub(in crate::sessions) contains: Vec<String>,
    /// Whether all bytes are the same, for a file that is replaced meanwhile.
    #[serde(default)]
    pub(in crate::sessions) uniform: bool,
    pub(in crate::sessions) mode: Option<u32>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct BeginRead {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    /// Its name in the case.
    pub(in crate::sessions) name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct EndRead {
    pub(in crate::sessions) of: String,
    #[serde(flatten)]
    pub(in crate::sessions) content: Content,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct WriteFile {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    #[serde(flatten)]
    pub(in crate::sessions) content: Content,
    pub(in crate::sessions) mode: Option<u32>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct BeginWrite {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    /// Its name in the case.
    pub(in crate::sessions) name: String,
    #[serde(flatten)]
    pub(in crate::sessions) content: Content,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct EndWrite {
    pub(in crate::sessions) of: String,
    /// Whether it is dropped instead of finished.
    #[serde(default)]
    pub(in crate::sessions) drop: bool,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// Lists a directory. An entry is its path, `path/` for a directory, `path -> target` for a link, and `path?` for
/// anything else that is no file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct ListFiles {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    #[serde(default = "working_dir")]
    pub(in crate::sessions) path: String,
    #[serde(default = "own_entries")]
    pub(in crate::sessions) depth: u32,
    /// All entries, in any order.
    pub(in crate::sessions) entries: Option<Vec<String>>,
    /// The number of entries.
    pub(in crate::sessions) number: Option<usize>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct StatFile {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    /// The entry as of a list, with its absolute path.
    pub(in crate::sessions) is: Option<String>,
    pub(in crate::sessions) size: Option<u64>,
    pub(in crate::sessions) mode: Option<u32>,
    /// Seconds since 1970 of its last change.
    pub(in crate::sessions) modified: Option<u64>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct MakeDirectory {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    #[serde(default = "directory_mode")]
    pub(in crate::sessions) mode: u32,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct MoveFile {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) from: String,
    pub(in crate::sessions) to: String,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// An entry of a directory that is read or written as a whole: a directory if that is set, a link if it has a target,
/// else a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::sessions) struct TreeEntry {
    pub(in crate::sessions) path: String,
    pub(in crate::sessions) directory: bool,
    pub(in crate::sessions) target: Option<String>,
    pub(in crate::sessions) mode: u32,
    pub(in crate::sessions) content: String,
}

impl Default for TreeEntry {
    fn default() -> Self {
        Self { path: String::new(), directory: false, target: None, mode: 0o644, content: String::new() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct ReadTree {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    /// All entries, in any order.
    #[serde(default)]
    pub(in crate::sessions) entries: Vec<TreeEntry>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct WriteTree {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) path: String,
    pub(in crate::sessions) entries: Vec<TreeEntry>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct WatchFiles {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    #[serde(default = "working_dir")]
    pub(in crate::sessions) path: String,
    #[serde(default)]
    pub(in crate::sessions) recursive: bool,
    /// Its name in the case.
    #[serde(default)]
    pub(in crate::sessions) name: String,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// Reads the changes of a watched directory until all that are expected were seen, in this order, such as `created a`.
/// Others may be between them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Changes {
    pub(in crate::sessions) of: String,
    #[serde(default)]
    pub(in crate::sessions) seen: Vec<String>,
    /// Whether changes were lost.
    #[serde(default)]
    pub(in crate::sessions) overflow: bool,
    /// The error that ends the watch.
    pub(in crate::sessions) error: Option<ExpectedError>,
}

fn working_dir() -> String {
    ".".to_owned()
}

const fn own_entries() -> u32 {
    1
}

const fn directory_mode() -> u32 {
    0o755
}
