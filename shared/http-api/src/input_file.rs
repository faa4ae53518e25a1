//! A file of a request.

use crate::{
    BoundedBytes, Bytes, Mode,
    bounded::BoundedString,
    object::{Object, optional},
};
use alloc::string::String;
use cofferdam_types::{
    FILE_MODE, File,
    validation::{MAX_INPUT, MAX_PATH},
};
use serde::{
    Serialize,
    de::{Error, MapAccess},
};

/// Maximum bytes of a mode.
const MAX_MODE: usize = 4;

/// A file to write to the working directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InputFile {
    /// Relative path of 1 to 255 bytes with `/` as separator. No component is empty, `.` or `..`. NUL is not
    /// allowed.
    pub path: String,
    /// The permission bits. Default: `644`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub mode: Option<Mode>,
    /// The file's bytes.
    pub content: Bytes,
}

impl From<InputFile> for File {
    fn from(file: InputFile) -> Self {
        let mode = file.mode.map_or(FILE_MODE, |mode| mode.0);
        Self { path: file.path, mode, content: file.content.0 }
    }
}

impl From<File> for InputFile {
    fn from(file: File) -> Self {
        // Sidecars before this member refuse it.
        let mode = Some(Mode(file.mode)).filter(|mode| mode.0 != FILE_MODE);
        Self { path: file.path, mode, content: Bytes(file.content) }
    }
}

impl Object for InputFile {
    const MEMBERS: &'static [&'static str] = &["path", "mode", "content"];
    const REQUIRED: &'static [&'static str] = &["path", "content"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "path" => self.path = map.next_value_seed(BoundedString::name(MAX_PATH))?,
            "mode" => {
                let text = optional(map, BoundedString::name(MAX_MODE))?;
                self.mode = text.map(|text| text.parse()).transpose().map_err(A::Error::custom)?;
            }
            _ => self.content = map.next_value_seed(BoundedBytes { max: MAX_INPUT })?,
        }
        Ok(())
    }
}
