//! Sees to it that the namespace has the runner, once for all runs of this version.

use super::{
    cluster::{Cluster, RequestError, bounded},
    creation, manifest, refusal,
};
use cofferdam_core::os::user_folders;
use cofferdam_types::{Error, ErrorCode};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::time::Instant;

/// What is known of the runner's being there.
#[derive(Debug)]
pub(super) struct SharedRunner {
    is_there: AtomicBool,
    /// Made when it was seen to be there, so that other processes of the user's need not ask.
    mark: Option<PathBuf>,
}

impl SharedRunner {
    /// For a namespace of a cluster that is known by `cluster_url`.
    pub(super) fn new(cluster_url: &str, namespace: &str) -> Self {
        // Neither has a line break.
        let folder = format!("clusters/{:x}", Sha256::digest(format!("{cluster_url}\n{namespace}")));
        let mark = user_folders::cache().map(|cache| cache.join(folder).join(manifest::runner_name()));
        let is_there = AtomicBool::new(mark.as_ref().is_some_and(|mark| mark.exists()));
        Self { is_there, mark }
    }

    /// Makes it if it is not known to be there.
    pub(super) async fn ensure(&self, cluster: &Cluster, deadline: Instant) -> Result<(), Error> {
        if self.is_there.load(Ordering::Relaxed) {
            return Ok(());
        }
        let wanted = manifest::runner_config_map();
        let name = manifest::runner_name();
        let found = match bounded(cluster.config_maps.get(name)).await {
            Ok(found) => found,
            Err(RequestError::Kube(kube::Error::Api(status))) if status.code == 404 => {
                creation::create(&cluster.config_maps, &wanted, "create the ConfigMap of the runner", deadline)
                    .await
                    .map_err(|failure| failure.error)?
            }
            Err(error) => return Err(refusal::of_request("look for the ConfigMap of the runner", &error, false)),
        };
        if found.binary_data != wanted.binary_data {
            let text = "the runner in the cluster is not ours; the operator's log says which ConfigMap to delete";
            return Err(Error::new(ErrorCode::SandboxUnavailable, text).with_detail(name));
        }
        self.is_there.store(true, Ordering::Relaxed);
        if let Some(mark) = &self.mark {
            // Without it the next process just asks.
            let _ = mark.parent().map(fs::create_dir_all);
            let _ = fs::write(mark, "");
        }
        Ok(())
    }

    /// It was not there after all.
    pub(super) fn forget(&self) {
        self.is_there.store(false, Ordering::Relaxed);
        if let Some(mark) = &self.mark {
            let _ = fs::remove_file(mark);
        }
    }
}
