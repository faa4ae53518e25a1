//! Settings: from the command line, from `COFFERDAM_*`, from `cofferdam.toml`, in this order, and their defaults.

mod environment;
mod error;
mod file;
mod image;
mod kubernetes;
mod load;
mod mcp;
mod pool;
#[cfg(any(test, fuzzing))]
mod promises;
mod quantity;
mod serve;
mod settings;
mod tenant;
mod unknown;

pub use environment::unknown_variables;
pub use error::SettingsError;
pub(crate) use kubernetes::is_in_cluster;
pub use kubernetes::{Network, Toleration, Workload};
pub use load::{Overrides, load};
pub use mcp::Mcp;
pub use pool::Pool;
#[cfg(any(test, fuzzing))]
pub use promises::settings as hold_settings;
pub use quantity::{Bytes, Cpu, MalformedQuantity, Seconds};
pub use serve::{Listen, MalformedListen, Serve};
pub use settings::{BackendChoice, BackendKind, Ceilings, Settings};
pub use tenant::{LoweredCeilings, TenantSettings};
