//! A client of a sidecar over its HTTP API. The sidecar's own policy applies.

mod address;
mod body_channel;
mod connection;
mod convert;
mod error;
mod execution;
mod multipart;
mod sessions;

pub use address::{Address, MalformedAddress};
pub use body_channel::{BodyChannel, BodySender};
pub use sessions::{Download, SessionEvents};
#[cfg(feature = "terminal")]
pub use sessions::{Terminal, TerminalEvent, TerminalInput, TerminalOutput};

use cofferdam_core::{Inputs, Observer};
use cofferdam_types::{Error, Report, Request};
use execution::RemoteExecution;
use std::{fmt, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The address of a sidecar, and the caller's token. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    address: Arc<Address>,
    token: Option<Arc<str>>,
}

impl Client {
    /// Creates a client. It does not connect yet.
    #[must_use]
    pub fn new(address: Address, token: Option<String>) -> Self {
        Self { address: address.into(), token: token.map(Into::into) }
    }

    /// Executes a program, at most once. To cancel, cancel `cancelled` and continue to wait for the report.
    /// Dropping the future disconnects, which cancels the execution too.
    ///
    /// # Errors
    ///
    /// Those of the sidecar, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn run(
        &self,
        request: Request,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        self.run_with_inputs(request, None, cancelled, observer).await
    }

    /// The same with more files, which are streamed to the sidecar.
    ///
    /// # Errors
    ///
    /// Those of [`Client::run`], and those of the source of the files.
    pub async fn run_with_inputs(
        &self,
        request: Request,
        inputs: Option<Inputs>,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        let execution = RemoteExecution::start(self, request, inputs, cancelled).await?;
        Ok(execution.wait(cancelled, observer).await?)
    }

    /// Starts an execution that continues until its end or until `cancelled` is cancelled. Returns its id and
    /// the task that waits for its report.
    ///
    /// # Errors
    ///
    /// Those of [`Client::run`] that occur before the execution has an id.
    pub async fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        let execution = RemoteExecution::start(self, request, None, &cancelled).await?;
        let id = execution.id().to_owned();
        let task = tokio::spawn(async move { Ok(execution.wait(&cancelled, &observer).await?) });
        Ok((id, task))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}
