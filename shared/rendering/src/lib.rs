//! What came of a program as text: its streams, and a short account of all of it for a model. The guest component and the
//! sidecar use it, so that a model reads the same whichever way its call has gone. Pure.
#![no_std]

extern crate alloc;

mod decode;
mod render;
mod text;

pub use decode::{Decoded, decode};
pub use render::{Outcome, Status, Stream, render};
pub use text::Decoder;
