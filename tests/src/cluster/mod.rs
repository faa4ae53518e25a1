//! The cluster that `KUBECONFIG` names, and a namespace of the tests' own in it, in which they have no more rights than
//! `cofferdam manifests` gives.

mod hollow;
mod namespace;
mod proxy;

pub use hollow::Hollow;
pub use namespace::Namespace;
pub use proxy::{Action, Asked, Proxy};

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

/// The file that tells the way to the cluster, if there is one.
#[must_use]
pub fn kubeconfig() -> Option<PathBuf> {
    env::var_os("KUBECONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The runtime that everything which talks to the cluster lives in.
///
/// # Panics
///
/// Where no threads can be had.
#[expect(clippy::expect_used, reason = "tests without threads have failed")]
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"))
}

/// A client with all rights.
///
/// # Errors
///
/// A kubeconfig that cannot be used.
pub async fn admin() -> Result<Client, Failure> {
    let path = kubeconfig().ok_or("KUBECONFIG is not set")?;
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Asks again and again until it is so. What cannot be awaited as an event is what is *not* there any more.
///
/// # Errors
///
/// What it was last, after a minute.
pub async fn eventually<T: std::fmt::Debug, F: Future<Output = Result<T, Failure>>>(
    ask: impl Fn() -> F,
    is_so: impl Fn(&T) -> bool,
) -> Result<T, Failure> {
    const PATIENCE: Duration = Duration::from_secs(60);
    // Many tests ask one API server at once: those that wait for long ask less often.
    const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
    let (begun, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        let answer = ask().await?;
        if is_so(&answer) {
            return Ok(answer);
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("still {answer:?}").into());
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSES.1);
    }
}
