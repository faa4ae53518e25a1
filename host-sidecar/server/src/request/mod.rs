//! Parsing of requests: headers and body.

pub(crate) mod body;
pub(crate) mod form_schema;
mod header_list;
mod json_syntax;
pub(crate) mod multipart;
pub(crate) mod negotiate;
pub(crate) mod parts;
pub(crate) mod prefer;
