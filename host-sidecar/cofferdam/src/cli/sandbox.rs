//! The options that say what sandboxes are made of; every command that runs programs of its caller's has them.

use super::backend::BackendArgs;
use crate::config::Overrides;
use cofferdam_kubernetes::config::Workload;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which backend, and what it makes sandboxes of.
#[derive(Debug, clap::Args, Serialize)]
pub(super) struct SandboxArgs {
    #[command(flatten)]
    #[serde(flatten)]
    backend: BackendArgs,
    /// The image of the sandbox in a cluster [default: python:3.11-slim]
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// What the run becomes in a cluster [default: job]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<Workload>,
    /// The gVisor program [default: that of set-up or PATH]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    runsc: Option<PathBuf>,
    /// An unpacked image for the sandbox's root on this machine [default: its /usr]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rootfs: Option<PathBuf>,
}

impl SandboxArgs {
    /// Whether any of them was given: where a program runs is then not for the environment to say.
    pub(super) fn is_given(&self) -> bool {
        let Self { backend, image, workload, runsc, rootfs } = self;
        backend.is_given() || image.is_some() || workload.is_some() || runsc.is_some() || rootfs.is_some()
    }
}

impl Overrides for SandboxArgs {
    fn config(&self) -> Option<&Path> {
        self.backend.config()
    }
}
