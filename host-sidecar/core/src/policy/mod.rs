//! The operator's policy: limits, ceilings, languages, images and networks. It turns a request into a plan or refuses
//! it. Pure.

mod allowed_images;
mod check;
mod language;
mod operator;
mod plan;

pub use allowed_images::{AllowedImages, ImagePattern, MalformedImagePattern};
pub(crate) use check::check;
pub use cofferdam_types::Limits;
pub use language::{Language, defaults as default_languages, is_name as is_language_name};
pub use operator::Policy;
pub use plan::Plan;
