//! Hosts of the component that use a sidecar on this machine.

mod caller;
mod cli;
mod http;
mod json;
mod list;
mod remote;
mod wave;

pub use caller::CallerHost;
pub use cli::Cli;
pub use http::HttpHost;
pub use list::{HOSTS, Host, LARGE_HOSTS};
pub use remote::Remote;

use super::Case;
use crate::{hosts::Caller, program::TestDir, sidecar::Sidecar};
use std::sync::{Arc, LazyLock, Mutex};

/// Maximum bytes of a stream. These hosts need some fifty bytes of memory for each byte.
const MAX_OUTPUT: u64 = 4 << 20;

fn has_moderate_output(case: &Case) -> bool {
    case.output() <= MAX_OUTPUT
}

/// A driver of wasmtime for Python with the composed component.
#[must_use]
pub fn python(sidecar: SidecarUrl) -> CallerHost {
    CallerHost::new(Caller::python, sidecar)
}

/// The URL of a sidecar.
#[derive(Debug, Clone)]
pub enum SidecarUrl {
    /// A URL.
    Url(Arc<str>),
    /// That of a sidecar which the first case starts and all cases share.
    Shared(SharedSidecar),
}

/// A sidecar that starts when it is needed.
#[derive(Debug, Clone, Default)]
pub struct SharedSidecar(Arc<LazyLock<Running>>);

#[derive(Debug)]
struct Running {
    url: String,
    _sidecar: Mutex<Sidecar>,
    _dir: TestDir,
}

impl Default for Running {
    fn default() -> Self {
        let dir = TestDir::new();
        let sidecar = Sidecar::start(&dir, &[], &[]);
        Self { url: sidecar.url(), _sidecar: Mutex::new(sidecar), _dir: dir }
    }
}

impl SidecarUrl {
    fn get(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Shared(sidecar) => &sidecar.0.url,
        }
    }
}

impl From<String> for SidecarUrl {
    fn from(url: String) -> Self {
        Self::Url(url.into())
    }
}

impl From<SharedSidecar> for SidecarUrl {
    fn from(sidecar: SharedSidecar) -> Self {
        Self::Shared(sidecar)
    }
}
