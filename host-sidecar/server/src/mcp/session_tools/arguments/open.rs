//! The arguments that open and close a session.

use super::{ID, PATH, SessionCall, session};
use crate::mcp::{
    argument_reader::{milliseconds, unknown_argument},
    number::Number,
};
use cofferdam_core::session::SessionRequest;
use cofferdam_http_api::{
    bounded::BoundedString,
    object::{Object, ObjectSeed, optional},
    request::ENV,
};
use cofferdam_types::{
    Error, RequestedLimits,
    validation::{MAX_IMAGE, MAX_NAME},
};
use serde::de::{self, MapAccess};
use std::{collections::BTreeMap, time::Duration};
use utoipa::ToSchema;

/// A session to open.
// The doc comments of the structs and their fields are the descriptions of the schemas, which a model reads.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct OpenArguments {
    /// Your own name for the session: 1 to 128 letters, digits, '.', '_' and '-'. If you have a session of this name,
    /// it is returned; it must have been opened with the same arguments.
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// Language whose image the sandbox has.
    #[schema(value_type = String, required = false)]
    language: Option<String>,
    /// Image of the sandbox, in place of the one that the language has.
    #[schema(value_type = String, required = false)]
    image: Option<String>,
    /// Network profile of the sandbox.
    #[schema(value_type = String, required = false)]
    network: Option<String>,
    /// Limits of the session; those of wall time and output are the defaults of its commands.
    #[schema(required = false)]
    limits: RequestedLimits,
    /// Environment variables of every command.
    #[schema(required = false, default = json!({}))]
    env: BTreeMap<String, String>,
    /// Working directory of every command. A relative one begins at /work.
    #[schema(value_type = String, required = false, default = "/work")]
    working_dir: Option<String>,
    /// Seconds after which the session ends in any case.
    #[schema(value_type = f64, required = false, exclusive_minimum = 0)]
    timeout_seconds: Option<f64>,
    /// Seconds without a running command and without a call after which the session ends.
    #[schema(value_type = f64, required = false, exclusive_minimum = 0)]
    idle_timeout_seconds: Option<f64>,
}

impl Object for OpenArguments {
    const MEMBERS: &'static [&'static str] = &[
        "name",
        "language",
        "image",
        "network",
        "limits",
        "env",
        "working_dir",
        "timeout_seconds",
        "idle_timeout_seconds",
    ];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = optional(map, ID)?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "image" => self.image = optional(map, BoundedString::name(MAX_IMAGE))?,
            "network" => self.network = optional(map, BoundedString::name(MAX_NAME))?,
            "limits" => self.limits = optional(map, ObjectSeed::new())?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "working_dir" => self.working_dir = optional(map, PATH)?,
            "timeout_seconds" => self.timeout_seconds = optional(map, Number)?,
            _ => self.idle_timeout_seconds = optional(map, Number)?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl OpenArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        Ok(SessionCall::Open(Box::new(SessionRequest {
            name: self.name,
            language: self.language,
            image: self.image,
            network: self.network,
            limits: self.limits,
            env: self.env.into_iter().collect(),
            working_dir: self.working_dir,
            timeout: duration("timeout_seconds", self.timeout_seconds)?,
            idle_timeout: duration("idle_timeout_seconds", self.idle_timeout_seconds)?,
            ..SessionRequest::default()
        })))
    }
}

fn duration(argument: &str, seconds: Option<f64>) -> Result<Option<Duration>, Error> {
    seconds.map(|seconds| milliseconds(argument, seconds).map(Duration::from_millis)).transpose()
}

/// A session to close.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct CloseArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
}

impl Object for CloseArguments {
    const MEMBERS: &'static [&'static str] = &["session"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.session = optional(map, ID)?;
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl CloseArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        Ok(SessionCall::Close { session: session(self.session)? })
    }
}
