//! The interface of backends, which create sandboxes, and of the sandboxes.

use crate::{
    execution::ExecutionContext,
    session::LostReason,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, ErrorCode, Report};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// A future of a method that can be called on a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Creates sandboxes.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Creates a sandbox. The caller may drop the future: then nothing is left behind.
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
        purpose: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>>;

    /// Gets the image of a specification, which a request has chosen, where the backend has to. It may take long and
    /// needs no capacity for executions. Where the caller drops the future, the pull goes on for those that want the
    /// same image.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Quota`](cofferdam_types::ErrorCode::Quota) if the other images leave no room for it: idle sandboxes
    /// of images that requests have chosen end then.
    fn pull<'a>(&'a self, _spec: &'a SandboxSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// Replaces what a specification names by what that is now, such as the tag of an image by its digest. Equal
    /// results have interchangeable sandboxes.
    fn resolve(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<SandboxSpec, Error>> {
        Box::pin(async { Ok(spec) })
    }

    /// Checks that sandboxes can be created: what they need exists and answers.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether its sandboxes can become sessions.
    fn has_sessions(&self) -> bool {
        false
    }

    /// Waits until the sandboxes that are being deleted are gone.
    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What a sandbox is created for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// For an execution that follows at once and whose id the sandbox has. A backend may leave the start of
    /// the sandbox to [`Sandbox::exec`], where both together are faster.
    Execution(&'a ExecutionContext<'a>),
    /// For the pool. The sandbox is ready, its interpreter prewarmed, when it is returned.
    Pool {
        /// The sandbox ends after this time without an execution.
        max_age: Duration,
        /// Set when the sandbox is not wanted any longer.
        cancelled: &'a CancellationToken,
    },
    /// For a session, which [`Sandbox::into_session`] makes of it at once. The sandbox is as ready as one of the pool
    /// when it is returned.
    Session {
        /// Its id, and when the request arrived.
        context: &'a ExecutionContext<'a>,
        /// The sandbox ends after this time by itself.
        max_lifetime: Duration,
    },
}

/// The session that a sandbox becomes.
#[derive(Debug, Clone)]
pub struct SessionClaim {
    /// Its id in logs. Its callers' own id is a secret.
    pub log_id: String,
    /// The tenant that it belongs to; none: there is only one.
    pub tenant: Option<Arc<str>>,
    /// How long it may live.
    pub max_lifetime: Duration,
}

/// A sandbox. Nothing of it is left after [`Sandbox::delete`], nor after it is dropped, though then later.
pub trait Sandbox: fmt::Debug + Send {
    /// Whether a prewarmed sandbox still answers.
    fn ping(&mut self) -> BoxFuture<'_, bool>;

    /// Executes a program, at most once, to its end. The sandbox reports [`crate::Phase::Cleaning`] when the
    /// program is over.
    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>>;

    /// Makes a session of it. It was created for one, or for the pool, and has executed nothing. The next message that its runner gets is [`Message::Open`](cofferdam_protocol::Message::Open).
    ///
    /// # Errors
    ///
    /// It cannot be one, and is deleted.
    fn into_session(
        self: Box<Self>,
        _claim: SessionClaim,
    ) -> BoxFuture<'static, Result<Box<dyn SessionSandbox>, Error>> {
        let unsupported = Error::new(ErrorCode::Denied, "sessions are not supported by this backend");
        Box::pin(async { Err(unsupported) })
    }

    /// Deletes it. The deletion starts with the call; the future waits for its end within a bound of the
    /// backend.
    fn delete(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A byte stream from a runner.
pub type SessionReader = Box<dyn AsyncRead + Send + Unpin>;
/// A byte stream to a runner. Dropping it tells the runner to stop.
pub type SessionWriter = Box<dyn AsyncWrite + Send + Unpin>;

/// The sandbox of a session. Nothing of it is left after [`SessionSandbox::delete`], nor after it is dropped, though then
/// later.
pub trait SessionSandbox: fmt::Debug + Send + 'static {
    /// The byte streams from and to the runner. Called once.
    fn connect(&mut self) -> BoxFuture<'_, Result<(SessionReader, SessionWriter), Error>>;

    /// For how long the connection may carry nothing while the runner is well, such as while it is made again.
    fn max_silence(&self) -> Duration {
        Duration::ZERO
    }

    /// Why the sandbox is gone, once its connection has ended. Answers within a bound of the backend.
    fn loss(&mut self) -> BoxFuture<'_, LostReason>;

    /// Deletes it. The deletion starts with the call; the future waits for its end within a bound of the backend.
    fn delete(self: Box<Self>) -> BoxFuture<'static, ()>;
}
