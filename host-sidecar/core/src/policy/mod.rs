//! Ceilings, defaults and checks: a request becomes a plan, or an error. Pure.

mod check;
mod footprint;
mod language;
mod limits;
mod plan;
mod profile;

pub use language::{Language, defaults as default_languages, is_name as is_language_name};
pub use limits::{Limits, Policy};
pub use plan::Plan;
pub use profile::Profile;
