//! Unpacks a whole image.

use super::{UnpackLimits, Unpacker, additions::IMAGE_ADDITIONS};
use crate::{Digest, ImageError};
use std::io::{BufReader, Read, Seek, Write};

/// Bytes of a layer that are read at once.
const BUFFER: usize = 128 << 10;

/// Why an image was not unpacked.
#[derive(Debug)]
pub(crate) struct UnpackError {
    /// The index of the layer that was being applied.
    pub(crate) layer: Option<usize>,
    pub(crate) error: ImageError,
}

impl From<ImageError> for UnpackError {
    fn from(error: ImageError) -> Self {
        Self { layer: None, error }
    }
}

/// Unpacks layers, the lowest first, each with the digest of what it unpacks to, into an empty file.
pub(crate) fn unpack_image<'a, R: Read>(
    root: impl Write + Seek,
    limits: &UnpackLimits,
    layers: impl Iterator<Item = (R, &'a Digest)>,
) -> Result<(), UnpackError> {
    let mut unpacker = Unpacker::new(root, limits.clone())?;
    for (index, (layer, diff_id)) in layers.enumerate() {
        let applied = unpacker.apply(BufReader::with_capacity(BUFFER, layer), diff_id);
        applied.map_err(|error| UnpackError { layer: Some(index), error })?;
    }
    unpacker.finish(&IMAGE_ADDITIONS)?;
    Ok(())
}
