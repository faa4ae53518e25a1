//! Makes the root file systems of images.

use super::{Store, blobs::TemporaryFile};
use crate::{
    Digest, ImageError,
    unpack::{UnpackError, unpack_image},
    unpack_process::{self, Layer},
};

impl Store {
    /// Makes the root file system of an image whose parts are there. Another process that makes the same one
    /// is waited for.
    pub(super) fn unpack(&self, digest: &Digest) -> Result<(), ImageError> {
        let _lock = self.lock_shared()?;
        let _making = self.lock_of(digest)?;
        if self.root(digest).exists() {
            return Ok(());
        }
        let (manifest, config) = self.image(digest)?;
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != manifest.layers.len() {
            let problem =
                format!("it has {} layers, and the manifest has {}", diff_ids.len(), manifest.layers.len());
            return Err(ImageError::MalformedDocument { document: "configuration", problem });
        }
        let layers = manifest.layers.iter().zip(diff_ids);
        let layers = layers
            .map(|(layer, diff_id)| Ok(Layer { blob: self.blob(&layer.digest)?, diff_id: diff_id.clone() }));
        let layers = layers.collect::<Result<Vec<_>, ImageError>>()?;
        let temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        let unpacked = match &self.unpacker {
            Some(program) => unpack_process::unpack(
                program,
                &self.limits,
                &layers,
                &temporary.file,
                unpack_process::TIMEOUT,
            ),
            None => {
                let layers = layers.iter().map(|Layer { blob, diff_id }| (blob, diff_id));
                unpack_image(&temporary.file, &self.limits, layers)
            }
        };
        unpacked.map_err(|UnpackError { layer, error }| {
            let layer = layer.and_then(|index| manifest.layers.get(index));
            let lost = layer.and_then(|layer| self.lost_part(&layer.digest));
            lost.unwrap_or_else(|| self.explain_full(error, &temporary.file))
        })?;
        temporary.persist(&self.root(digest))
    }
}
