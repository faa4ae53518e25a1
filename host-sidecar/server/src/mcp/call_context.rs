//! What the sidecar knows of a message in addition to the library's request.

use super::tool_call::ToolCall;
use crate::admission::AdmissionPermit;
use cofferdam_types::Error;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The context of a call: an extension of the library's request. The library clones extensions, and a call is
/// taken once.
#[derive(Debug, Clone, Default)]
pub(super) struct CallContext {
    /// Set when the client has disconnected.
    pub(super) disconnected: CancellationToken,
    call: Arc<Mutex<Call>>,
}

/// A call that was read before the library had its message.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The permit that was acquired to read the message.
    pub(super) permit: Option<AdmissionPermit>,
    /// None if there is no such tool.
    pub(super) call: Option<Result<ToolCall, Error>>,
}

impl CallContext {
    pub(super) fn new(disconnected: CancellationToken, call: Call) -> Self {
        Self { disconnected, call: Arc::new(Mutex::new(call)) }
    }

    pub(super) fn take_call(&self) -> Call {
        std::mem::take(&mut *self.call.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
