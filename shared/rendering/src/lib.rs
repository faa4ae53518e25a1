//! Renders an outcome as text: each stream, and a short summary for a model. The guest component and the
//! sidecar share it, so that a model reads the same text from both. Pure.
#![no_std]

extern crate alloc;

mod decode;
mod render;
mod text;

pub use decode::{Decoded, decode};
pub use render::{Outcome, Stream, render, render_stream, status_line};
pub use text::TextDecoder;
