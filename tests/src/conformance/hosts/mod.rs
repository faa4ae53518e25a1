//! Hosts that others wrote, of the composed component, with a sidecar on this machine.

mod cli;
mod json;
mod python;
mod wave;

pub use cli::Cli;
pub use python::Python;

use super::Case;
use crate::{program::Place, sidecar::Sidecar};
use std::sync::{Arc, LazyLock, Mutex};

/// Bytes of a stream that they are asked to hold: to them a byte is a value of its own, of some fifty bytes.
const OUTPUT: u64 = 4 << 20;

fn can_hold(case: &Case) -> bool {
    case.output() <= OUTPUT
}

/// A sidecar that is started when the first case needs it.
#[derive(Debug, Clone, Default)]
pub struct Served(Arc<LazyLock<Running>>);

#[derive(Debug)]
struct Running {
    url: String,
    _sidecar: Mutex<Sidecar>,
    _place: Place,
}

impl Default for Running {
    fn default() -> Self {
        let place = Place::new();
        let sidecar = Sidecar::start(&place, &[], &[]);
        Self { url: format!("http://{}", sidecar.address), _sidecar: Mutex::new(sidecar), _place: place }
    }
}

impl Served {
    fn url(&self) -> &str {
        &self.0.url
    }
}
