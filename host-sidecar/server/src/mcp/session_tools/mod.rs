//! The tools for sessions, which are there if the backend has sessions. A session belongs to its tenant, and neither to
//! a connection nor to a session of the protocol: its id is an argument of each call.

mod arguments;
mod calls;
mod definitions;
mod output_part;
mod results;

pub(super) use arguments::SessionCall;
pub(super) use calls::{Caller, call, refused};
pub(super) use definitions::{Definitions, SessionLife};

use arguments::{
    CloseArguments, ListFilesArguments, OpenArguments, ReadFileArguments, ReadOutputArguments, RunArguments,
    WriteFileArguments,
};
use cofferdam_types::Error;

/// A tool for sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionTool {
    Open,
    Run,
    ReadOutput,
    WriteFile,
    ReadFile,
    ListFiles,
    Close,
}

impl SessionTool {
    pub(super) const ALL: [Self; 7] = [
        Self::Open,
        Self::Run,
        Self::ReadOutput,
        Self::WriteFile,
        Self::ReadFile,
        Self::ListFiles,
        Self::Close,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open_session",
            Self::Run => "run_command",
            Self::ReadOutput => "read_output",
            Self::WriteFile => "write_file",
            Self::ReadFile => "read_file",
            Self::ListFiles => "list_files",
            Self::Close => "close_session",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Reads the arguments of a message that calls this tool.
    pub(super) fn read(self, message: &[u8]) -> Result<SessionCall, Error> {
        use super::argument_reader::read;
        match self {
            Self::Open => read::<OpenArguments>(message)?.into_call(),
            Self::Run => read::<RunArguments>(message)?.into_call(),
            Self::ReadOutput => read::<ReadOutputArguments>(message)?.into_call(),
            Self::WriteFile => read::<WriteFileArguments>(message)?.into_call(),
            Self::ReadFile => read::<ReadFileArguments>(message)?.into_call(),
            Self::ListFiles => read::<ListFilesArguments>(message)?.into_call(),
            Self::Close => read::<CloseArguments>(message)?.into_call(),
        }
    }
}
