//! A file among the arguments of a call. Pure.

use cofferdam_http_api::{
    BoundedBase64,
    bounded::BoundedString,
    object::{Object, optional},
};
use cofferdam_types::{
    Error, ErrorCode, File, quoted,
    validation::{MAX_INPUT, MAX_PATH},
};
use serde::de::MapAccess;
use utoipa::ToSchema;

/// Maximum bytes of a path of the host (PATH_MAX).
const MAX_SOURCE: usize = 4096;

/// An input file: text, base64, or a file of the host.
#[derive(Default, ToSchema)]
pub(super) struct InputFile {
    /// Path relative to the working directory, such as data/sales.csv.
    path: String,
    /// The content, if it is text.
    #[schema(value_type = String, required = false)]
    content: Option<String>,
    /// The content as base64, if it is not text. Pass this or content, not both.
    #[schema(value_type = String, required = false)]
    content_base64: Option<Result<Vec<u8>, String>>,
    /// Path of a file or folder below the input directory of this server, such as sales.csv, to copy it from there.
    /// Pass it in place of a content, for large files too: only the disk limit applies to them.
    #[schema(value_type = String, required = false)]
    source: Option<String>,
}

/// Where the content of a file comes from.
#[derive(Debug)]
pub(super) enum Source {
    Content(File),
    Host(HostFile),
}

/// A file or folder below the input directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostFile {
    /// In the working directory.
    pub(super) path: String,
    /// Relative to the input directory.
    pub(super) source: String,
}

impl Object for InputFile {
    const MEMBERS: &'static [&'static str] = &["path", "content", "content_base64", "source"];
    const REQUIRED: &'static [&'static str] = &["path"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "path" => self.path = map.next_value_seed(BoundedString::name(MAX_PATH))?,
            "content" => self.content = optional(map, BoundedString::content(MAX_INPUT))?,
            "content_base64" => self.content_base64 = optional(map, BoundedBase64 { max: MAX_INPUT })?,
            _ => self.source = optional(map, BoundedString::name(MAX_SOURCE))?,
        }
        Ok(())
    }
}

impl InputFile {
    pub(super) fn into_source(self) -> Result<Source, Error> {
        let path = quoted(&self.path);
        let content = match (self.content, self.content_base64, self.source) {
            (None, None, Some(source)) => return Ok(Source::Host(HostFile { path: self.path, source })),
            (_, _, Some(_)) => return Err(invalid(format!("files: {path} has both a source and content"))),
            (Some(text), None, None) => text.into_bytes(),
            (None, Some(Ok(bytes)), None) => bytes,
            (None, Some(Err(problem)), None) => {
                return Err(invalid(format!("files: the content_base64 of {path} {problem}")));
            }
            (None, None, None) | (Some(_), Some(_), None) => {
                return Err(invalid(format!(
                    "files: {path} needs either content or content_base64, not both"
                )));
            }
        };
        Ok(Source::Content(File::new(self.path, content)))
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}
