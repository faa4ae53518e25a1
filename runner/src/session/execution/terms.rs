//! What bounds an execution, by its command.

use cofferdam_protocol::{Call, Command, CommandLimits};

/// What bounds an execution.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Terms {
    pub(super) limits: CommandLimits,
    pub(super) keeps_background: bool,
    pub(super) is_file_call: bool,
    /// Bytes of output that the sidecar takes at first.
    pub(super) credit: u32,
}

impl Terms {
    /// The terms of a command.
    pub(in super::super) fn of(command: &Command) -> Self {
        Self {
            limits: command.limits,
            keeps_background: command.keeps_background,
            is_file_call: matches!(command.call, Call::Files(_)),
            credit: command.window,
        }
    }
}
