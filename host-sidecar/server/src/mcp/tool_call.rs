//! What a call asks for. Pure.

use super::{
    TOOL,
    arguments::{self, CallRequest},
    session_tools::{SessionCall, SessionTool},
};
use cofferdam_types::Error;

/// A call of one of the tools.
#[derive(Debug)]
pub(super) enum ToolCall {
    Execute(Box<CallRequest>),
    Session(SessionCall),
}

/// Reads the arguments of a message that calls this tool. None if there is no such tool.
pub(super) fn read(tool: &str, message: &[u8]) -> Option<Result<ToolCall, Error>> {
    if tool == TOOL {
        return Some(arguments::read(message).map(|call| ToolCall::Execute(Box::new(call))));
    }
    SessionTool::named(tool).map(|tool| tool.read(message).map(ToolCall::Session))
}
