//! Settings: from the command line, from `COFFERDAM_*`, from `cofferdam.toml`, in this order, and their defaults.

mod load;
mod quantity;
mod settings;

pub use load::{Overrides, load};
pub use quantity::{Bytes, Cpu, MalformedQuantity, Seconds};
pub use settings::{BackendChoice, Ceilings, Settings, SettingsError};
