//! What sandboxes on this machine are created from.

use crate::{Images, LocalConfig, SetupError, root::Root, runsc::Runsc, state::StateDir};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// What all sandboxes of a backend share.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) runsc: Runsc,
    pub(crate) root: Root,
    pub(crate) state: StateDir,
    /// Where images come from.
    pub(crate) images: Option<Arc<dyn Images>>,
    /// The image where a specification names none.
    pub(crate) image: Option<String>,
    /// Sandboxes that are being deleted.
    pub(crate) deletions: TaskTracker,
}

impl Machine {
    pub(crate) fn new(config: &LocalConfig) -> Result<Self, SetupError> {
        Ok(Self {
            runsc: Runsc::find(config.runsc.as_deref())?,
            root: Root::new(config.rootfs.as_deref())?,
            state: StateDir::open(config.state_dir.as_deref())?,
            images: None,
            image: config.image.clone(),
            deletions: TaskTracker::new(),
        })
    }
}
