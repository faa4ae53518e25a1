//! The state of one guest instance that its imports use.

use super::{
    bindings::stream::cofferdam::code_executor::sandbox_stream::Event,
    hooks::{NoHooks, SandboxHooks},
    streamed_execution::StreamedExecution,
    target::Target,
};
use cofferdam_core::{NoObserver, Observer};
use cofferdam_types::{Error, ErrorCode, Report, Request};
use std::{collections::HashMap, sync::Arc};
use tokio_util::sync::CancellationToken;

/// The state of one guest instance that its imports use. A store holds one for each instance.
///
/// Dropping it cancels the streamed executions that have not ended.
/// [`Runtime::drain`](cofferdam_core::Runtime::drain) waits until their sandboxes are deleted.
#[derive(Debug)]
pub struct SandboxCtx {
    target: Target,
    cancelled: CancellationToken,
    observer: Arc<dyn Observer>,
    hooks: Arc<dyn SandboxHooks>,
    remaining: u32,
    /// The streamed executions whose end the guest has not read, by their ids.
    pub(super) streamed: HashMap<String, StreamedExecution>,
}

/// Builds a [`SandboxCtx`].
#[derive(Debug)]
#[must_use]
pub struct SandboxCtxBuilder(SandboxCtx);

impl SandboxCtx {
    /// A context for one execution, without hooks.
    #[must_use]
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// A builder for a context. `target` is a [`Runtime`](cofferdam_core::Runtime) or, with the feature
    /// `client`, a `cofferdam_client::Client`.
    pub fn builder(target: impl Into<Target>) -> SandboxCtxBuilder {
        SandboxCtxBuilder(Self {
            target: target.into(),
            cancelled: CancellationToken::new(),
            observer: Arc::new(NoObserver),
            hooks: Arc::new(NoHooks),
            remaining: 1,
            streamed: HashMap::new(),
        })
    }
}

impl SandboxCtxBuilder {
    /// How many executions the instance may request in total; by default 1. Streamed executions may all run
    /// at once.
    pub fn max_executions(mut self, executions: u32) -> Self {
        self.0.remaining = executions;
        self
    }

    /// A token that cancels all executions of the instance.
    pub fn cancellation(mut self, cancelled: CancellationToken) -> Self {
        self.0.cancelled = cancelled;
        self
    }

    /// An observer of the phases and the output of each execution.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.0.observer = observer;
        self
    }

    /// Hooks that authorize requests and receive results.
    pub fn hooks(mut self, hooks: Arc<dyn SandboxHooks>) -> Self {
        self.0.hooks = hooks;
        self
    }

    /// The context.
    #[must_use]
    pub fn build(self) -> SandboxCtx {
        self.0
    }
}

impl SandboxCtx {
    /// Executes a request and waits for its report.
    pub(super) async fn run(&mut self, request: Request) -> Result<Report, Error> {
        self.admit(&request)?;
        let result = self.target.run(request, &self.cancelled, &*self.observer).await;
        self.hooks.on_finished(&result);
        result
    }

    /// Starts a streamed execution and returns its id.
    pub(super) async fn start(&mut self, request: Request) -> Result<String, Error> {
        self.admit(&request)?;
        let cancelled = self.cancelled.child_token();
        let (observer, hooks) = (self.observer.clone(), self.hooks.clone());
        let execution = StreamedExecution::start(&self.target, request, cancelled, observer, hooks).await?;
        let id = execution.id().to_owned();
        self.streamed.insert(id.clone(), execution);
        Ok(id)
    }

    /// Waits for the next event of a streamed execution, and forgets the execution after its last event.
    pub(super) async fn next(&mut self, id: &str) -> Result<Event, Error> {
        let execution = self.streamed.get_mut(id).ok_or_else(unknown_id)?;
        let event = execution.next().await;
        if matches!(event, Err(_) | Ok(Event::Ended(_))) {
            self.streamed.remove(id);
        }
        event
    }

    /// Cancels a streamed execution.
    pub(super) fn cancel(&self, id: &str) -> Result<(), Error> {
        self.streamed.get(id).map(StreamedExecution::cancel).ok_or_else(unknown_id)
    }

    /// Takes one of the remaining executions and asks the hooks.
    fn admit(&mut self, request: &Request) -> Result<(), Error> {
        self.acquire()?;
        self.hooks.authorize(request).inspect_err(|error| {
            let (code, detail) = (error.code, &error.detail);
            tracing::info!(?code, error = error.log_message(), detail, "the host's hooks refused a request");
        })
    }

    fn acquire(&mut self) -> Result<(), Error> {
        let text = "execution limit of this instance reached; its host sets the limit";
        self.remaining = self.remaining.checked_sub(1).ok_or_else(|| Error::new(ErrorCode::Denied, text))?;
        Ok(())
    }
}

fn unknown_id() -> Error {
    let text = "unknown or finished execution id; use an id that `start` returned to this instance";
    Error::new(ErrorCode::InvalidRequest, text)
}
