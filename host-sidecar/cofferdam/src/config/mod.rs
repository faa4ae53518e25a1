//! Settings from the command line, `COFFERDAM_*` variables and `cofferdam.toml`, in this order of precedence,
//! and defaults.

mod environment;
mod error;
mod file;
mod images;
#[cfg(any(test, fuzzing))]
mod invariants;
mod limits;
mod load;
mod origin;
mod parts;
mod problem;
mod settings;
mod tenant;
mod validate;

pub use cofferdam_core::{
    pool::PoolConfig,
    quantity::{Bytes, Cpu, MalformedQuantity, Seconds},
    session::SessionConfig,
};
pub use cofferdam_images::PullPolicy;
pub use cofferdam_kubernetes::{Network, Toleration, Workload};
pub use cofferdam_server::{Listen, MalformedListen, McpConfig, ServeConfig};
pub use environment::unknown_variables;
pub use error::SettingsError;
pub use images::ImageSettings;
#[cfg(any(test, fuzzing))]
pub use invariants::check_settings;
pub use limits::{LimitSettings, LoweredCeilings};
pub use load::{Overrides, load};
pub use origin::Origin;
pub use settings::{BackendChoice, BackendKind, Settings};
pub use tenant::TenantSettings;

/// The name of a setting in a message.
fn quoted_path(path: &[String]) -> String {
    cofferdam_types::quoted(&path.join("."))
}
