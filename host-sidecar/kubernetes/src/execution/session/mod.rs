//! A Pod as a session: claimed from the pool, or created for it.

mod claim;
mod loss;
pub(super) mod relay;

pub(super) use claim::Objects;
pub(crate) use claim::SESSION_SLACK;
pub(super) use relay::{Relay, new_secret};

use crate::{
    cleanup::CleanupGuard,
    connection::Cluster,
    watch::{ObservedPod, Subscription},
};
use claim::Claimed;
use cofferdam_core::{
    BoxFuture, SessionReader, SessionSandbox, SessionWriter,
    session::{LostReason, MAX_SILENCE, resumable},
};
use cofferdam_types::Error;
use std::{fmt, sync::Arc, time::Duration};

/// The sandbox of a session. Its objects are deleted when it is dropped.
pub(super) struct KubernetesSession {
    cluster: Arc<Cluster>,
    id: String,
    /// The way to the runner, until it is used.
    relay: Option<Relay>,
    pods: Subscription<ObservedPod>,
    cleanup: CleanupGuard,
}

/// The id alone: the fields hold the cluster's configuration, which is not for a log.
impl fmt::Debug for KubernetesSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.id)
    }
}

impl KubernetesSession {
    /// The session of a Pod that was claimed for it.
    pub(super) fn new(
        cluster: Arc<Cluster>,
        id: String,
        cleanup: CleanupGuard,
        relay: Relay,
        _claimed: Claimed,
    ) -> Self {
        let pods = cluster.pod_watch.subscribe(&id);
        Self { cluster, id, relay: Some(relay), pods, cleanup }
    }
}

impl SessionSandbox for KubernetesSession {
    fn connect(&mut self) -> BoxFuture<'_, Result<(SessionReader, SessionWriter), Error>> {
        Box::pin(async {
            let relay = self.relay.take().ok_or_else(|| {
                Error::internal("the session's sandbox has no connection", "it was connected twice")
            })?;
            Ok(resumable(relay))
        })
    }

    fn max_silence(&self) -> Duration {
        MAX_SILENCE
    }

    fn loss(&mut self) -> BoxFuture<'_, LostReason> {
        Box::pin(loss::loss(&self.cluster, &self.id, &mut self.pods))
    }

    fn delete(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.cleanup.start();
        Box::pin(async {})
    }
}
