//! Parsing of requests: headers and body.

pub(crate) mod body;
pub(crate) mod body_stream;
pub(crate) mod form_schema;
mod header_list;
pub(crate) mod json_body;
mod json_syntax;
pub(crate) mod multipart;
pub(crate) mod negotiate;
pub(crate) mod parts;
pub(crate) mod prefer;
pub(crate) mod query;
