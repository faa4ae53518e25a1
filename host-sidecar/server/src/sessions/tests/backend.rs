//! A backend whose sandboxes are runners in memory.

use super::runner;
use cofferdam_core::{
    Backend, BoxFuture, ExecutionContext, Purpose, Sandbox, SessionClaim, SessionReader, SessionSandbox,
    SessionWriter,
    session::LostReason,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, ErrorCode, Report};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::io::{duplex, split};

/// Counts its sandboxes.
#[derive(Debug, Default)]
pub(super) struct MemoryBackend {
    pub(super) created: AtomicUsize,
}

impl Backend for MemoryBackend {
    fn create<'a>(
        &'a self,
        _: &'a SandboxSpec,
        _: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        self.created.fetch_add(1, Relaxed);
        Box::pin(async { Ok(Box::new(MemorySandbox) as Box<dyn Sandbox>) })
    }

    fn has_sessions(&self) -> bool {
        true
    }
}

/// A backend without sessions.
#[derive(Debug)]
pub(super) struct NoSessions(pub(super) Arc<MemoryBackend>);

impl Backend for NoSessions {
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
        purpose: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        self.0.create(spec, purpose)
    }
}

#[derive(Debug)]
struct MemorySandbox;

impl Sandbox for MemorySandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn exec<'a>(
        &'a mut self,
        _: ExecSpec,
        _: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async { Err(Error::new(ErrorCode::Internal, "only sessions")) })
    }

    fn into_session(
        self: Box<Self>,
        _: SessionClaim,
    ) -> BoxFuture<'static, Result<Box<dyn SessionSandbox>, Error>> {
        Box::pin(async { Ok(self as Box<dyn SessionSandbox>) })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

impl SessionSandbox for MemorySandbox {
    fn connect(&mut self) -> BoxFuture<'_, Result<(SessionReader, SessionWriter), Error>> {
        Box::pin(async {
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(runner::run(theirs));
            let (reader, writer) = split(ours);
            Ok((Box::new(reader) as SessionReader, Box::new(writer) as SessionWriter))
        })
    }

    fn loss(&mut self) -> BoxFuture<'_, LostReason> {
        Box::pin(async { LostReason::Evicted })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Sandbox::delete(self)
    }
}
