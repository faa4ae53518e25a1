//! Adds images.

use super::{ImageRecord, Store, blobs::TemporaryFile};
use crate::{
    Additions, Descriptor, Digest, Document, ImageConfig, ImageError, Manifest, Platform, Reference, Unpacker,
};
use std::{
    cell::Cell,
    fs::{File, TryLockError},
    io::{BufReader, Read},
};

/// Folders on which sandboxes mount others.
const MOUNT_POINTS: [&str; 8] = ["cofferdam", "dev", "home/user", "proc", "sys", "tmp", "var/tmp", "work"];
/// Files that every container runtime replaces.
const FILES: [(&str, &str); 2] =
    [("etc/hosts", "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n"), ("etc/hostname", "sandbox\n")];
/// Bytes of a layer that are read at once.
const BUFFER: usize = 128 << 10;

/// An image that is being added. Nothing is removed from the store meanwhile.
#[derive(Debug)]
pub struct Addition<'a> {
    store: &'a Store,
    /// None once the image is added.
    lock: Option<File>,
    /// Whether a part may have been added.
    is_changed: Cell<bool>,
    /// Bytes of the parts of unknown digest.
    added: Cell<u64>,
}

impl Store {
    /// Starts to add an image.
    ///
    /// # Errors
    ///
    /// The store cannot be locked.
    pub fn add(&self) -> Result<Addition<'_>, ImageError> {
        Ok(Addition {
            store: self,
            lock: Some(self.lock_shared()?),
            is_changed: Cell::new(false),
            added: Cell::new(0),
        })
    }

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
        let mut temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        let mut unpacker = Unpacker::new(&mut temporary.file, self.limits.clone())?;
        for (layer, diff_id) in manifest.layers.iter().zip(diff_ids) {
            let blob = BufReader::with_capacity(BUFFER, self.blob(&layer.digest)?);
            unpacker.apply(blob, diff_id).map_err(|error| self.lost_part(&layer.digest).unwrap_or(error))?;
        }
        unpacker.finish(&Additions { mount_points: &MOUNT_POINTS, files: &FILES })?;
        temporary.persist(&self.root(digest))
    }

    /// The manifest of this digest and its configuration.
    pub(super) fn image(&self, digest: &Digest) -> Result<(Manifest, ImageConfig), ImageError> {
        match Document::parse(&self.document(digest)?)? {
            Document::Manifest(manifest) => {
                let config = ImageConfig::parse(&self.document(&manifest.config.digest)?)?;
                Ok((manifest, config))
            }
            Document::Index(_) => {
                let problem = "it is an index, and not the manifest of one image".into();
                Err(ImageError::MalformedDocument { document: "manifest", problem })
            }
        }
    }
}

impl Addition<'_> {
    /// Whether a part of the image is there already.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.store.has_blob(digest)
    }

    /// Fails if the parts of an image are too large together. Nothing of it has to be added or fetched before.
    ///
    /// # Errors
    ///
    /// [`ImageError::Limit`].
    pub fn require_size(&self, manifest: &Manifest) -> Result<(), ImageError> {
        let parts = manifest.layers.iter().chain([&manifest.config]);
        let size = parts.fold(0_u64, |size, part| size.saturating_add(part.size));
        let limit = self.store.limits.bytes;
        if size > limit { Err(ImageError::Limit { what: "bytes", limit }) } else { Ok(()) }
    }

    /// Adds a part of the image, unless it is there.
    ///
    /// # Errors
    ///
    /// It cannot be read or written, or is not what its descriptor promises.
    pub fn add(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        self.is_changed.set(true);
        self.store.add_blob(descriptor, content)
    }

    /// Adds a part that may have to be fetched, unless it is there. Another process that fetches it is waited for.
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`] and of `fetch`.
    #[cfg(feature = "registry")]
    pub(crate) fn add_fetched<R: Read>(
        &self,
        descriptor: &Descriptor,
        fetch: impl FnOnce() -> Result<R, ImageError>,
    ) -> Result<(), ImageError> {
        if self.has(&descriptor.digest) {
            return Ok(());
        }
        let _lock = self.store.lock_of(&descriptor.digest)?;
        if self.has(&descriptor.digest) { Ok(()) } else { self.add(descriptor, fetch()?) }
    }

    /// Adds a part of unknown digest, and returns digest and size.
    ///
    /// # Errors
    ///
    /// It cannot be read or written, or all such parts are too large together.
    pub fn add_content(&self, content: impl Read) -> Result<(Digest, u64), ImageError> {
        self.is_changed.set(true);
        let (digest, size) = self.store.add_content(content, self.added.get())?;
        self.added.set(self.added.get() + size);
        Ok((digest, size))
    }

    /// Unpacks the image whose parts were added, and names it. Then the images that were not used for the
    /// longest time are removed, if the store is too large.
    ///
    /// # Errors
    ///
    /// The image is malformed, hostile, too large or for another platform, cannot be written, or is not the one
    /// whose digest a name has.
    pub fn finish(
        mut self,
        manifest: &Digest,
        index: Option<Digest>,
        names: &[Reference],
    ) -> Result<(), ImageError> {
        let is_digest = |digest: &&Digest| *digest == manifest || index.as_ref() == Some(digest);
        if let Some(other) = names.iter().filter_map(Reference::digest).find(|digest| !is_digest(digest)) {
            return other.require(manifest);
        }
        let (_, config) = self.store.image(manifest)?;
        config.require(&Platform::of_machine())?;
        let env = config.env()?;
        self.store.unpack(manifest)?;
        let path = self.store.root(manifest);
        let size = path.metadata().map_err(ImageError::io(format!("read {}", path.display())))?.len();
        let record = ImageRecord { index, platform: config.platform.clone(), size, env };
        self.store.index().change(|images| {
            images.images.insert(manifest.clone(), record);
            images.names.extend(names.iter().map(|name| (name.clone(), manifest.clone())));
        })?;
        self.lock = None;
        self.store.shrink(manifest)
    }
}

impl Drop for Addition<'_> {
    /// Removes the parts of an image that was not added to its end.
    fn drop(&mut self) {
        if self.lock.take().is_some() && self.is_changed.get() {
            // Those that cannot be removed now are removed by the next prune.
            let _ = self.store.clean();
        }
    }
}

impl Store {
    /// Waits for the other processes that make or fetch what has this digest.
    fn lock_of(&self, digest: &Digest) -> Result<File, ImageError> {
        let path = self.dir.join("tmp").join(format!("{}.lock", digest.hex()));
        let failed = || ImageError::io(format!("lock {}", path.display()));
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed())?;
        lock.lock().map_err(failed())?;
        Ok(lock)
    }

    /// Locks the store for removals; none while another process adds an image.
    pub(super) fn try_lock(&self) -> Result<Option<File>, ImageError> {
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ImageError::io("lock the store of images")(error)),
        }
    }
}
