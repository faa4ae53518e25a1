//! The operator's policy: limits, ceilings, languages and networks. It turns a request into a plan or refuses
//! it. Pure.

mod check;
mod disk_usage;
mod language;
mod operator;
mod plan;

pub use cofferdam_types::Limits;
pub use language::{Language, defaults as default_languages, is_name as is_language_name};
pub use operator::Policy;
pub use plan::Plan;
