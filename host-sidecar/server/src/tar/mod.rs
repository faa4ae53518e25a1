//! Directories as tar archives, which are never held as a whole.

mod decoder;
mod encoder;

pub(crate) use decoder::{Malformed, TarDecoder, TarPart};
pub(crate) use encoder::TarEncoder;
