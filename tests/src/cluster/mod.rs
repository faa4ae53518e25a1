//! The cluster in `KUBECONFIG`, and namespaces in it where the sidecar has only the rights that `cofferdam
//! manifests` grants.

mod fake_node;
mod namespace;
mod proxy;

pub use fake_node::FakeNode;
pub use namespace::Namespace;
pub use proxy::{Action, ApiRequest, Proxy};

use crate::conformance::Failure;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    env,
    future::Future,
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, time::sleep};

/// The path in `KUBECONFIG`, if it is set.
#[must_use]
pub fn kubeconfig() -> Option<PathBuf> {
    env::var_os("KUBECONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The runtime of all tests that use the cluster.
///
/// # Panics
///
/// No thread can be started.
#[expect(clippy::expect_used, reason = "the tests need threads")]
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"))
}

/// A client with the rights of the kubeconfig's user.
///
/// # Errors
///
/// The kubeconfig cannot be used.
pub async fn admin() -> Result<Client, Failure> {
    let path = kubeconfig().ok_or("KUBECONFIG is not set")?;
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Polls until a condition holds. For conditions that cannot be awaited as an event, such as the absence of
/// an object.
///
/// # Errors
///
/// The last value, if the condition does not hold within a minute.
pub async fn eventually<T: std::fmt::Debug, F: Future<Output = Result<T, Failure>>>(
    poll: impl Fn() -> F,
    condition: impl Fn(&T) -> bool,
) -> Result<T, Failure> {
    const TIMEOUT: Duration = Duration::from_secs(60);
    // Many tests poll one API server at once, so the interval grows.
    const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
    let (start, mut interval) = (Instant::now(), INTERVALS.0);
    loop {
        let value = poll().await?;
        if condition(&value) {
            return Ok(value);
        }
        if start.elapsed() > TIMEOUT {
            return Err(format!("still {value:?} after {TIMEOUT:?}").into());
        }
        sleep(interval).await;
        interval = (interval * 3 / 2).min(INTERVALS.1);
    }
}
