//! Adds images.

#[cfg(feature = "registry")]
use super::staged::StagedParts;
use super::{ImageRecord, Store};
use crate::{Descriptor, Digest, Document, ImageConfig, ImageError, Manifest, Platform, Reference};
use std::{
    cell::Cell,
    fs::{File, TryLockError},
    io::Read,
};

/// An image that is being added. Nothing is removed from the store meanwhile, except while the image is fetched for
/// somebody who is not trusted.
#[derive(Debug)]
pub struct Addition<'a> {
    store: &'a Store,
    /// None while the parts are staged, and once the image is added.
    lock: Option<File>,
    /// Whether a part may have been added.
    is_changed: Cell<bool>,
    /// Bytes of the parts of unknown digest.
    added: Cell<u64>,
    /// The parts, while they are fetched for somebody who is not trusted.
    #[cfg(feature = "registry")]
    staged: Option<StagedParts>,
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
            #[cfg(feature = "registry")]
            staged: None,
        })
    }

    /// Starts to add an image for somebody who is not trusted: a part that is there is fetched again, unless an image
    /// has it whose name is accepted. The store is not locked meanwhile: the other registry may be slow.
    #[cfg(feature = "registry")]
    pub(crate) fn add_untrusted(
        &self,
        may_share: &dyn Fn(&Reference) -> bool,
    ) -> Result<Addition<'_>, ImageError> {
        if let Some(_lock) = self.try_lock()? {
            self.sweep_temporary()?;
        }
        let mut addition = self.add()?;
        let images = self.images()?;
        let shared = images.names.iter().filter(|(name, _)| may_share(name));
        let shared = shared.flat_map(|(_, digest)| self.parts(digest)).collect();
        addition.staged = Some(StagedParts::create(self, shared)?);
        addition.lock = None;
        Ok(addition)
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

    /// Fails if the parts of an image are too large together, or if there is no space for those that are missing.
    /// Nothing of it has to be added or fetched before.
    ///
    /// # Errors
    ///
    /// [`ImageError::Limit`], [`ImageError::NoSpace`].
    pub fn require_size(&self, manifest: &Manifest) -> Result<(), ImageError> {
        let parts = manifest.layers.iter().chain([&manifest.config]);
        let size = parts.clone().fold(0_u64, |size, part| size.saturating_add(part.size));
        let limit = self.store.limits.bytes;
        if size > limit {
            return Err(ImageError::Limit { what: "bytes".into(), limit });
        }
        self.store.require_space(parts)
    }

    /// Adds a part of the image, unless it is there.
    ///
    /// # Errors
    ///
    /// It cannot be read or written, or is not what its descriptor promises. [`ImageError::StoreFull`] for somebody who is
    /// not trusted.
    pub fn add(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        self.is_changed.set(true);
        #[cfg(feature = "registry")]
        if let Some(staged) = &self.staged {
            staged.add(self.store, descriptor, content)?;
            // Only what has come makes others go, not what a manifest says.
            return self.store.require_room();
        }
        self.store.add_blob(descriptor, content)
    }

    /// Adds a part that may have to be fetched, unless it is there. Another process that fetches it is waited for,
    /// except for somebody who is not trusted.
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
        let digest = &descriptor.digest;
        match &self.staged {
            Some(staged) if staged.has(self.store, digest) => {
                return staged.require_length(self.store, descriptor);
            }
            Some(_) => return self.add(descriptor, fetch()?),
            None => {}
        }
        if self.has(digest) {
            return self.store.require_length(descriptor);
        }
        let _lock = self.store.lock_of(digest)?;
        if self.has(digest) { self.store.require_length(descriptor) } else { self.add(descriptor, fetch()?) }
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
    /// longest time are removed, if the store is too large. Returns the size of its root file system.
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
    ) -> Result<u64, ImageError> {
        let is_digest = |digest: &&Digest| *digest == manifest || index.as_ref() == Some(digest);
        if let Some(other) = names.iter().filter_map(Reference::digest).find(|digest| !is_digest(digest)) {
            let (expected, received) = (other.clone(), manifest.clone());
            return Err(ImageError::WrongDigest { expected, received });
        }
        #[cfg(feature = "registry")]
        if let Some(staged) = self.staged.take() {
            self.lock = Some(self.store.lock_shared()?);
            staged.keep(self.store)?;
        }
        let (_, config) = self.store.image(manifest)?;
        config.require(&Platform::of_machine())?;
        let env = config.env()?;
        self.store.unpack(manifest)?;
        let path = self.store.root(manifest);
        let size = path.metadata().map_err(ImageError::io(format!("read {}", path.display())))?.len();
        let ImageConfig { platform, created, .. } = config;
        let indexes = names.iter().filter_map(|name| Some((name.clone(), index.clone()?))).collect();
        let record = ImageRecord { indexes, platform, created, size, env };
        self.store.index().change(|images| images.add(manifest, record, names))?;
        self.lock = None;
        self.store.shrink(Some(manifest))?;
        Ok(size)
    }
}

impl Drop for Addition<'_> {
    /// Removes the parts of an image that was not added to its end.
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            // Those that cannot be removed now are removed by the next prune.
            let _ = if self.is_changed.get() { self.store.clean() } else { Ok(()) };
            // Images that were added meanwhile could not make room.
            let _ = self.store.shrink(None);
        }
    }
}

impl Store {
    /// Waits for the other processes that make or fetch what has this digest.
    pub(super) fn lock_of(&self, digest: &Digest) -> Result<File, ImageError> {
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
