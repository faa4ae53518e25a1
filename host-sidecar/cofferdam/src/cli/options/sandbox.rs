//! The options of a sandbox's backend and contents.

use super::BackendArgs;
use crate::config::Overrides;
use cofferdam_kubernetes::Workload;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The backend, and what a sandbox consists of.
#[derive(Debug, clap::Args, Serialize)]
pub(in crate::cli) struct SandboxArgs {
    #[command(flatten)]
    #[serde(flatten)]
    backend: BackendArgs,
    /// The image of the sandbox; '' is this machine's /usr
    /// [default: the default image if it is loaded, else ''; in a cluster python:3.11-slim]
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) image: Option<String>,
    /// The kind of object that a sandbox is in a cluster [default: job]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<Workload>,
    /// The gVisor program of this machine [default: that of set-up or PATH]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    runsc: Option<PathBuf>,
    /// An unpacked image as the sandbox's root on this machine [default: none]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rootfs: Option<PathBuf>,
}

impl SandboxArgs {
    /// Whether the command line has one of these options, and so chooses where a program runs.
    pub(in crate::cli) fn is_given(&self) -> bool {
        let Self { backend, image, workload, runsc, rootfs } = self;
        backend.is_given() || image.is_some() || workload.is_some() || runsc.is_some() || rootfs.is_some()
    }
}

impl Overrides for SandboxArgs {
    fn config(&self) -> Option<&Path> {
        self.backend.config()
    }
}
