//! Settings: from the command line, from `COFFERDAM_*`, from `cofferdam.toml`, in this order, and their defaults.

mod environment;
mod error;
mod file;
mod load;
#[cfg(any(test, fuzzing))]
mod promises;
mod settings;
mod tenant;
mod unknown;

pub use cofferdam_core::{
    pool::PoolConfig,
    quantity::{Bytes, Cpu, MalformedQuantity, Seconds},
};
pub use cofferdam_kubernetes::{Network, Toleration, Workload};
pub use cofferdam_server::{Listen, MalformedListen, McpConfig, ServeConfig};
pub use environment::unknown_variables;
pub use error::SettingsError;
pub use load::{Overrides, load};
#[cfg(any(test, fuzzing))]
pub use promises::settings as hold_settings;
pub use settings::{BackendChoice, BackendKind, Ceilings, Settings};
pub use tenant::{LoweredCeilings, TenantSettings};
