//! Settings: from the command line, from `COFFERDAM_*`, from `cofferdam.toml`, in this order, and their defaults.

mod image;
mod kubernetes;
mod load;
mod mcp;
mod pool;
mod quantity;
mod serve;
mod settings;
mod tenant;

pub(crate) use kubernetes::is_in_cluster;
pub use kubernetes::{Network, Toleration, Workload};
pub use load::{Overrides, load};
pub use mcp::Mcp;
pub use pool::Pool;
pub use quantity::{Bytes, Cpu, MalformedQuantity, Seconds};
pub use serve::{Listen, MalformedListen, Serve};
pub use settings::{BackendChoice, BackendKind, Ceilings, Settings, SettingsError};
pub use tenant::{LoweredCeilings, TenantSettings};
