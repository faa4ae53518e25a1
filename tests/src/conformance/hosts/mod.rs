//! Third-party hosts of the composed component, with a sidecar on this machine.

mod cli;
mod json;
mod python;
mod wave;

pub use cli::Cli;
pub use python::Python;

use super::Case;
use crate::{program::TestDir, sidecar::Sidecar};
use std::sync::{Arc, LazyLock, Mutex};

/// Maximum bytes of a stream. These hosts need some fifty bytes of memory for each byte.
const MAX_OUTPUT: u64 = 4 << 20;

fn has_moderate_output(case: &Case) -> bool {
    case.output() <= MAX_OUTPUT
}

/// A sidecar that the first case starts and all cases share.
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
        Self { url: format!("http://{}", sidecar.address), _sidecar: Mutex::new(sidecar), _dir: dir }
    }
}

impl SharedSidecar {
    fn url(&self) -> &str {
        &self.0.url
    }
}
