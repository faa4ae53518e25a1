//! The arguments that concern files of a session.

use super::{ID, PATH, SessionCall, path, session};
use crate::mcp::argument_reader::{invalid, unknown_argument};
use cofferdam_http_api::{
    BoundedBase64,
    bounded::{BoundedString, Integer},
    object::{Object, optional},
};
use cofferdam_types::{Error, validation::MAX_INPUT};
use serde::de::{self, MapAccess};
use utoipa::ToSchema;

/// The directory where relative paths begin.
const WORKING_DIR: &str = "/work";

/// A file to write.
// The doc comments of the structs and their fields are the descriptions of the schemas, which a model reads.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct WriteFileArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
    /// Path of the file. A relative one begins at /work.
    #[schema(value_type = String, required)]
    path: Option<String>,
    /// The content, if it is text: at most 8 MiB.
    #[schema(value_type = String, required = false)]
    content: Option<String>,
    /// The content as base64, if it is not text. Pass this or content, not both.
    #[schema(value_type = String, required = false)]
    content_base64: Option<Result<Vec<u8>, String>>,
}

impl Object for WriteFileArguments {
    const MEMBERS: &'static [&'static str] = &["session", "path", "content", "content_base64"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "session" => self.session = optional(map, ID)?,
            "path" => self.path = optional(map, PATH)?,
            "content" => self.content = optional(map, BoundedString::content(MAX_INPUT))?,
            _ => self.content_base64 = optional(map, BoundedBase64 { max: MAX_INPUT })?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl WriteFileArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        let (session, path) = (session(self.session)?, path(self.path)?);
        let content = match (self.content, self.content_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(Ok(bytes))) => bytes,
            (None, Some(Err(problem))) => return Err(invalid(format!("content_base64 {problem}"))),
            _ => return Err(invalid("pass either content or content_base64, not both")),
        };
        Ok(SessionCall::WriteFile { session, path, content })
    }
}

/// A file to read.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct ReadFileArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
    /// Path of the file. A relative one begins at /work.
    #[schema(value_type = String, required)]
    path: Option<String>,
}

impl Object for ReadFileArguments {
    const MEMBERS: &'static [&'static str] = &["session", "path"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "session" => self.session = optional(map, ID)?,
            _ => self.path = optional(map, PATH)?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl ReadFileArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        Ok(SessionCall::ReadFile { session: session(self.session)?, path: path(self.path)? })
    }
}

/// A directory to list.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct ListFilesArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
    /// Path of the directory. A relative one begins at /work.
    #[schema(value_type = String, required = false, default = json!(WORKING_DIR))]
    path: Option<String>,
    /// How many directories deep: 1 lists the directory's own entries.
    #[schema(value_type = u32, required = false, default = 1, minimum = 1)]
    depth: Option<u32>,
}

impl Object for ListFilesArguments {
    const MEMBERS: &'static [&'static str] = &["session", "path", "depth"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "session" => self.session = optional(map, ID)?,
            "path" => self.path = optional(map, PATH)?,
            _ => self.depth = optional(map, Integer::new())?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl ListFilesArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        let session = session(self.session)?;
        let path = self.path.unwrap_or_else(|| WORKING_DIR.into());
        Ok(SessionCall::ListFiles { session, path, depth: self.depth.unwrap_or(1) })
    }
}
