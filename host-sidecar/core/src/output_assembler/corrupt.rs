//! The error for a runner that violates the protocol.

use cofferdam_protocol::Malformed;

/// A violation of the protocol by the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runner violated the protocol: {0}")]
pub struct Corrupt(pub(crate) &'static str);

impl From<Malformed> for Corrupt {
    fn from(_: Malformed) -> Self {
        Self("it sent a malformed frame, or one that is longer than the limits allow")
    }
}
