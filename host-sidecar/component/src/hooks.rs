//! What a host decides about the executions of a guest, and learns of their results.

use cofferdam_types::{Error, Report, Request};
use std::fmt;

/// Decisions of the host about the executions of a guest. Each method has a default, so that `impl
/// SandboxHooks for MyHooks {}` is complete.
///
/// Methods are called on the task that runs the guest: they must not block.
pub trait SandboxHooks: fmt::Debug + Send + Sync {
    /// Decides whether the guest may execute this request. By default every request is authorized. The policy
    /// of the [`Runtime`](cofferdam_core::Runtime) is applied afterwards, and may refuse the request too.
    ///
    /// A refused request counts towards [`max_executions`](crate::SandboxCtxBuilder::max_executions).
    ///
    /// # Errors
    ///
    /// An error refuses the request. The guest reads its code and message; its detail is logged.
    fn authorize(&self, _request: &Request) -> Result<(), Error> {
        Ok(())
    }

    /// Receives the result of each request that [`authorize`](Self::authorize) accepted: the report, or the
    /// error if there was no execution or its result is unknown. It is called once for each request, and for
    /// a streamed execution also if the guest does not read its end. It is not called if the host drops the
    /// call of `run`.
    fn on_finished(&self, _result: &Result<Report, Error>) {}
}

/// Authorizes every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoHooks;

impl SandboxHooks for NoHooks {}
