//! Who has a guest's programs run.

use cofferdam_client::Client;
use cofferdam_core::{Observer, Runtime};
use cofferdam_types::{Error, Report, Request};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A sidecar, wherever it is.
#[derive(Debug)]
pub(super) enum Supplier {
    Here(Runtime),
    Elsewhere(Client),
}

impl Supplier {
    pub(super) async fn run(
        &self,
        request: Request,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        match self {
            Self::Here(sidecar) => sidecar.run(request, cancelled, observer).await,
            Self::Elsewhere(sidecar) => sidecar.run(request, cancelled, observer).await,
        }
    }

    pub(super) async fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        match self {
            Self::Here(sidecar) => sidecar.start(request, cancelled, observer),
            Self::Elsewhere(sidecar) => sidecar.start(request, cancelled, observer).await,
        }
    }
}
