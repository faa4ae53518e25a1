//! The ConfigMap of the runner, which all executions of a version in a namespace share.

use super::create::create;
use crate::{
    api::{RequestError, error, with_timeout},
    connection::Cluster,
    manifest,
};
use cofferdam_core::os::user_dirs;
use cofferdam_types::{Error, ErrorCode};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::time::Instant;

/// Whether the ConfigMap is known to exist.
#[derive(Debug)]
pub(crate) struct SharedRunner {
    exists: AtomicBool,
    /// A file that marks the ConfigMap as existing for other processes of the user.
    marker: Option<PathBuf>,
}

impl SharedRunner {
    /// For a namespace of the cluster with this key.
    pub(crate) fn new(cluster_key: &str, namespace: &str) -> Self {
        // Neither contains a line break.
        let folder = format!("clusters/{:x}", Sha256::digest(format!("{cluster_key}\n{namespace}")));
        let marker = user_dirs::cache().map(|cache| cache.join(folder).join(manifest::runner_name()));
        let exists = AtomicBool::new(marker.as_ref().is_some_and(|marker| marker.exists()));
        Self { exists, marker }
    }

    /// Creates the ConfigMap unless it is known to exist.
    pub(super) async fn ensure(&self, cluster: &Cluster, deadline: Instant) -> Result<(), Error> {
        if self.exists.load(Ordering::Relaxed) {
            return Ok(());
        }
        let wanted = manifest::runner_config_map();
        let name = manifest::runner_name();
        let existing = match with_timeout(cluster.config_maps.get(name)).await {
            Ok(existing) => existing,
            Err(RequestError::Kube(kube::Error::Api(status))) if status.code == 404 => {
                create(&cluster.config_maps, &wanted, "create the ConfigMap of the runner", deadline)
                    .await
                    .map_err(|failure| failure.error)?
            }
            Err(error) => return Err(error::from_request("read the ConfigMap of the runner", &error, false)),
        };
        if existing.binary_data != wanted.binary_data {
            let text =
                "the ConfigMap of the runner has been modified; the operator's log names the one to delete";
            return Err(Error::new(ErrorCode::SandboxUnavailable, text).with_detail(name));
        }
        self.exists.store(true, Ordering::Relaxed);
        if let Some(marker) = &self.marker {
            // Without the marker, the next process sends a request.
            let _ = marker.parent().map(fs::create_dir_all);
            let _ = fs::write(marker, "");
        }
        Ok(())
    }

    /// The ConfigMap may not exist any more.
    pub(super) fn invalidate(&self) {
        self.exists.store(false, Ordering::Relaxed);
        if let Some(marker) = &self.marker {
            let _ = fs::remove_file(marker);
        }
    }
}
