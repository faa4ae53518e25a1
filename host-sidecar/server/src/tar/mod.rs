//! Directories as tar archives, which are never held as a whole.

mod decoder;
mod encoder;

#[cfg(any(test, fuzzing))]
pub(crate) use decoder::decode_archive;
pub(crate) use decoder::{Malformed, TarDecoder, TarPart};
pub(crate) use encoder::TarEncoder;
