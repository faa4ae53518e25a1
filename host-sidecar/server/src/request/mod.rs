//! Parsing of requests: headers and body.

pub(crate) mod body;
mod header_list;
mod json_syntax;
pub(crate) mod multipart;
pub(crate) mod negotiate;
pub(crate) mod parts;
pub(crate) mod prefer;
