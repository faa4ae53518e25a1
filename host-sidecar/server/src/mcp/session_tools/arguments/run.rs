//! The arguments that run a command and read its output.

use super::{ID, PATH, SessionCall, session};
use crate::mcp::{
    argument_reader::{invalid, milliseconds, unknown_argument},
    number::Number,
};
use cofferdam_core::session::{ExecutionCall, ExecutionSpec, StdinSpec};
use cofferdam_http_api::{
    bounded::{BoundedString, Flag, Integer},
    object::{Object, optional},
    request::{ARGS, ENV},
};
use cofferdam_types::{
    Error, RequestedLimits,
    validation::{MAX_ARGS_BYTES, MAX_INPUT},
};
use serde::de::{self, MapAccess};
use std::{collections::BTreeMap, time::Duration};
use utoipa::ToSchema;

/// Longest time in seconds that a call waits for output.
const MAX_OUTPUT_WAIT: u32 = 300;

/// A command to run.
// The doc comments of the structs and their fields are the descriptions of the schemas, which a model reads.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct RunArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
    /// A program, which is looked up in PATH, and its arguments. Pass this or shell, not both.
    #[schema(value_type = Vec<String>, required = false)]
    command: Option<Vec<String>>,
    /// A command line for sh. Pass this or command, not both.
    #[schema(value_type = String, required = false)]
    shell: Option<String>,
    /// Text for the command's standard input.
    #[schema(required = false, default = "")]
    stdin: String,
    /// Environment variables, in addition to those of the session.
    #[schema(required = false, default = json!({}))]
    env: BTreeMap<String, String>,
    /// Working directory, in place of that of the session.
    #[schema(value_type = String, required = false)]
    working_dir: Option<String>,
    /// Seconds that the command may run before it is killed. Default: the session's limit, in the background none.
    #[schema(value_type = f64, required = false, exclusive_minimum = 0)]
    timeout_seconds: Option<f64>,
    /// Whether the call returns once the command has started, and the command runs on.
    #[schema(required = false, default = false)]
    background: bool,
}

impl Object for RunArguments {
    const MEMBERS: &'static [&'static str] =
        &["session", "command", "shell", "stdin", "env", "working_dir", "timeout_seconds", "background"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "session" => self.session = optional(map, ID)?,
            "command" => self.command = optional(map, ARGS)?,
            "shell" => self.shell = optional(map, BoundedString::content(MAX_ARGS_BYTES))?,
            "stdin" => self.stdin = optional(map, BoundedString::content(MAX_INPUT))?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "working_dir" => self.working_dir = optional(map, PATH)?,
            "timeout_seconds" => self.timeout_seconds = optional(map, Number)?,
            _ => self.background = optional(map, Flag)?.unwrap_or_default(),
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl RunArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        let session = session(self.session)?;
        let call = match (self.command, self.shell) {
            (Some(command), None) => ExecutionCall::Program(command),
            (None, Some(line)) => ExecutionCall::Shell(line),
            _ => return Err(invalid("pass either command or shell, not both")),
        };
        let wall_time_ms =
            self.timeout_seconds.map(|seconds| milliseconds("timeout_seconds", seconds)).transpose()?;
        let stdin = match self.stdin {
            text if text.is_empty() => StdinSpec::Empty,
            text => StdinSpec::Bytes(text.into_bytes()),
        };
        let spec = ExecutionSpec {
            env: self.env.into_iter().collect(),
            working_dir: self.working_dir,
            stdin,
            background: self.background,
            limits: RequestedLimits { wall_time_ms, ..RequestedLimits::default() },
            ..ExecutionSpec::new(call)
        };
        Ok(SessionCall::Run { session, spec: Box::new(spec) })
    }
}

/// Output to read.
#[derive(Default, ToSchema)]
pub(in crate::mcp::session_tools) struct ReadOutputArguments {
    /// The id that open_session returned.
    #[schema(value_type = String, required)]
    session: Option<String>,
    /// The id that run_command returned.
    #[schema(value_type = String, required)]
    execution: Option<String>,
    /// Where to begin: the number of bytes of both streams before it. Pass the next_position of the last call.
    #[schema(required = false, default = 0)]
    position: u64,
    /// Seconds to wait for the end of the command, or for as much output as one call returns.
    #[schema(required = false, default = 0, minimum = 0, maximum = 300)]
    wait_seconds: f64,
}

impl Object for ReadOutputArguments {
    const MEMBERS: &'static [&'static str] = &["session", "execution", "position", "wait_seconds"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "session" => self.session = optional(map, ID)?,
            "execution" => self.execution = optional(map, ID)?,
            "position" => self.position = optional(map, Integer::new())?.unwrap_or_default(),
            _ => self.wait_seconds = optional(map, Number)?.unwrap_or_default(),
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl ReadOutputArguments {
    pub(in crate::mcp::session_tools) fn into_call(self) -> Result<SessionCall, Error> {
        let session = session(self.session)?;
        let execution = self
            .execution
            .ok_or_else(|| invalid("execution is missing; pass the id that run_command returned"))?;
        if !(0.0..=f64::from(MAX_OUTPUT_WAIT)).contains(&self.wait_seconds) {
            return Err(invalid(format!(
                "wait_seconds must be from 0 to {MAX_OUTPUT_WAIT}; call again to wait longer"
            )));
        }
        let wait = Duration::from_secs_f64(self.wait_seconds);
        Ok(SessionCall::ReadOutput { session, execution, position: self.position, wait })
    }
}
