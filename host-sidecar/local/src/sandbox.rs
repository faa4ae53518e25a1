//! The sandbox of one execution.

use crate::{
    container::{Container, EXIT_TIMEOUT},
    error::unavailable,
    machine::Machine,
    session::LocalSession,
};
use cofferdam_core::{
    BoxFuture, ExecutionContext, Phase, Sandbox, SessionClaim, SessionSandbox,
    connection::{ExecutionMonitor, RunnerConnection},
    execution_state::{ExecutionState, Grace, SandboxEnd},
    inputs::ProgramMessages,
    policy::Limits,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::Preparation;
use cofferdam_types::{Error, Report};
use std::{fmt, io, time::Duration};
use tokio::{
    process::{ChildStdin, ChildStdout},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// The runner on this machine has killed the program and reported it long before that, or the sandbox does
/// not answer any more.
const GRACE: Grace = Grace { end: Duration::from_millis(1500), files: Duration::from_secs(10) };
/// Time that a sandbox of the pool may take to be prepared.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(60);

/// A sandbox. When it is dropped, its runner stops, and its files are removed.
pub(crate) struct LocalSandbox {
    spec: SandboxSpec,
    /// Closed before the container stops, which waits for its runner.
    connection: RunnerConnection<ChildStdout, ChildStdin>,
    container: Container,
    is_warm: bool,
}

/// The id alone, which is what a log needs.
impl fmt::Debug for LocalSandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.container.id())
    }
}

impl LocalSandbox {
    /// Creates one.
    pub(crate) async fn create(
        machine: &Machine,
        id: &str,
        spec: SandboxSpec,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let (container, stdout, stdin) = Container::create(machine, id, spec.image.clone(), limits).await?;
        Ok(Self { spec, connection: RunnerConnection::new(stdout, stdin), container, is_warm: false })
    }

    /// Has its runner do what is possible before there is a program.
    pub(crate) async fn prepare(
        &mut self,
        preparation: Preparation,
        cancelled: &CancellationToken,
    ) -> Result<(), Error> {
        let prepared = tokio::select! {
            prepared = self.connection.prepare(preparation) => prepared,
            () = sleep(PREPARE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
            () = cancelled.cancelled() => Err(io::ErrorKind::Interrupted.into()),
        };
        match prepared {
            Ok(()) => {
                self.is_warm = true;
                Ok(())
            }
            Err(error) => {
                let messages = self.stop(EXIT_TIMEOUT).await;
                let messages = if messages.is_empty() { messages } else { format!(" ({messages})") };
                Err(unavailable(&format!("prepare the sandbox{messages}"), error))
            }
        }
    }

    async fn execute(&mut self, exec: ExecSpec, context: &ExecutionContext<'_>) -> Result<Report, Error> {
        let mut state = ExecutionState::new(context, &exec, self.is_warm, GRACE);
        let messages = ProgramMessages::new(exec, &self.spec, self.is_warm)?;
        let end = self.connection.execute(messages, &mut state, &mut self.container.monitor).await;
        let messages = match end {
            // runsc's messages explain nothing where the runner has reported the end.
            SandboxEnd::Done => String::new(),
            SandboxEnd::Disconnected | SandboxEnd::Failed(_) => self.stop(EXIT_TIMEOUT).await,
            // A sandbox that does not answer, or violates the protocol, is not asked to stop.
            _ => self.stop(Duration::ZERO).await,
        };
        let has_failed = matches!(end, SandboxEnd::Failed(_));
        let was_out_of_memory = self.container.monitor.was_out_of_memory().await;
        context.observer.on_phase(Phase::Cleaning);
        state.report(end, || was_out_of_memory).map_err(|mut error| {
            // What is missing is missing in the image.
            if let (true, Some(image)) = (has_failed, &self.spec.image) {
                error.message = format!("{} (image {image})", error.message);
            }
            if error.detail.is_none() && !messages.is_empty() { error.with_detail(messages) } else { error }
        })
    }

    /// Stops it, by force where it has not exited within this time; gives runsc's messages.
    async fn stop(&mut self, exit_timeout: Duration) -> String {
        self.connection.close();
        self.container.stop(exit_timeout).await
    }

    /// Stops it and removes its files.
    pub(crate) async fn remove(mut self) {
        self.connection.close();
        self.container.remove().await;
    }
}

impl Sandbox for LocalSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(self.connection.ping())
    }

    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(self.execute(exec, context))
    }

    fn into_session(
        self: Box<Self>,
        _claim: SessionClaim,
    ) -> BoxFuture<'static, Result<Box<dyn SessionSandbox>, Error>> {
        let Self { connection, mut container, .. } = *self;
        Box::pin(async move {
            container
                .monitor
                .limit_cpu(true)
                .await
                .map_err(|error| unavailable("limit the processors", error))?;
            Ok(Box::new(LocalSession::new(container, connection)) as Box<dyn SessionSandbox>)
        })
    }

    fn delete(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.connection.close();
        Box::pin(self.container.delete())
    }
}
