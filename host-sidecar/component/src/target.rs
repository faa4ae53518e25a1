//! Where the executions of a guest run.

#[cfg(feature = "client")]
use cofferdam_client::Client;
use cofferdam_core::{Observer, Runtime};
use cofferdam_types::{Error, Report, Request};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where the executions of a guest run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Target {
    /// A runtime in this process, with any backend.
    Local(Runtime),
    /// A sidecar in another process, called over HTTP.
    #[cfg(feature = "client")]
    Remote(Client),
}

impl From<Runtime> for Target {
    fn from(runtime: Runtime) -> Self {
        Self::Local(runtime)
    }
}

#[cfg(feature = "client")]
impl From<Client> for Target {
    fn from(client: Client) -> Self {
        Self::Remote(client)
    }
}

impl Target {
    pub(super) async fn run(
        &self,
        request: Request,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        match self {
            Self::Local(runtime) => runtime.run(request, cancelled, observer).await,
            #[cfg(feature = "client")]
            Self::Remote(client) => client.run(request, cancelled, observer).await,
        }
    }

    /// Starts an execution. Returns its id and the task that returns its report.
    pub(super) async fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        match self {
            Self::Local(runtime) => runtime.start(request, cancelled, observer),
            #[cfg(feature = "client")]
            Self::Remote(client) => client.start(request, cancelled, observer).await,
        }
    }
}
