//! A sidecar that runs elsewhere, asked over its HTTP API. What it decides by is its own.

mod address;
mod connection;
mod convert;
mod failure;
mod run;

pub use address::{Address, MalformedAddress};

use cofferdam_core::Observer;
use cofferdam_types::{Error, Report, Request};
use std::{fmt, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The way to a sidecar, and the token by which it knows its caller. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    address: Arc<Address>,
    token: Option<Arc<str>>,
}

impl Client {
    /// Nothing is asked of it yet.
    #[must_use]
    pub fn new(address: Address, token: Option<String>) -> Self {
        Self { address: address.into(), token: token.map(Into::into) }
    }

    /// Has one program run, at most once. To give up, set `cancelled` and go on waiting; a caller that drops the future instead
    /// hangs up, which cancels too.
    ///
    /// # Errors
    ///
    /// The sidecar's own, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn run(
        &self,
        request: Request,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        let run = run::Run::start(self, request, cancelled).await?;
        Ok(run.until_end(cancelled, observer).await?)
    }

    /// Starts an execution that goes on until its end or until `cancelled` is set; gives its id and the task that will have its
    /// report.
    ///
    /// # Errors
    ///
    /// Those of [`Client::run`] that come before the execution has an id.
    pub async fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        let run = run::Run::start(self, request, &cancelled).await?;
        let id = run.id().to_owned();
        let task = tokio::spawn(async move { Ok(run.until_end(&cancelled, &observer).await?) });
        Ok((id, task))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}
