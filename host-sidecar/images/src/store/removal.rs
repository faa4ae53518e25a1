//! Removes images, and files that no image needs.

use super::{Images, ROOTS, Store, lease::Unleased, remove_file};
use crate::{Digest, ImageError, Reference};
use std::{
    collections::BTreeSet,
    fs::{self, DirEntry},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

impl Store {
    /// Removes a name, and the image with it if that was its last.
    ///
    /// # Errors
    ///
    /// There is no such name, a sandbox uses the image, or another process adds one.
    pub fn remove(&self, reference: &Reference) -> Result<(), ImageError> {
        let _lock = self.try_lock()?.ok_or_else(|| ImageError::InUse("the store of images".into()))?;
        let images = self.images()?;
        let (digest, _) =
            images.find(reference).ok_or_else(|| ImageError::NotFound(reference.clone().into()))?;
        let digest = digest.clone();
        // A digest stands for all names of its repository.
        let is_removed = |name: &Reference, of: &Digest| {
            *of == digest
                && if reference.digest().is_some() {
                    name.name() == reference.name()
                } else {
                    name == reference
                }
        };
        let is_last = !images.names.iter().any(|(name, of)| *of == digest && !is_removed(name, of));
        let unleased = Unleased::of(self.root(&digest))?;
        if is_last && unleased.is_none() {
            return Err(ImageError::InUse(reference.to_string()));
        }
        // The disk may be full, so room is made before the index is written.
        if let Some(unleased) = unleased.filter(|_| is_last) {
            unleased.remove()?;
        }
        self.index().change(|images| {
            images.names.retain(|name, of| !is_removed(name, of));
            remove_nameless(images);
        })?;
        self.sweep()
    }

    /// Removes all files that no image needs, and with a time the images that were not used since then. Returns the
    /// number of bytes that were freed.
    ///
    /// # Errors
    ///
    /// Another process adds an image, or a file cannot be removed.
    pub fn prune(&self, unused_since: Option<SystemTime>) -> Result<u64, ImageError> {
        let _lock = self.try_lock()?.ok_or_else(|| ImageError::InUse("the store of images".into()))?;
        let before = self.size()?;
        // The disk may be full, so room is made before the index is written.
        self.sweep()?;
        if let Some(unused_since) = unused_since {
            for (digest, last_use) in self.by_last_use()? {
                if last_use <= unused_since {
                    self.evict(&digest)?;
                }
            }
        }
        self.index().change(remove_nameless)?;
        self.sweep()?;
        Ok(before.saturating_sub(self.size()?))
    }

    /// Bytes of all files.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn size(&self) -> Result<u64, ImageError> {
        ["blobs/sha256", ROOTS, "tmp"].iter().map(|part| bytes(&self.dir.join(part))).sum()
    }

    /// Fails if the store is too large, and is not small enough without the images that can be removed.
    ///
    /// # Errors
    ///
    /// [`ImageError::StoreFull`].
    #[cfg(feature = "registry")]
    pub(crate) fn require_room(&self) -> Result<(), ImageError> {
        self.shrink(None)?;
        let limit = self.max_bytes;
        if self.size()? > limit { Err(ImageError::StoreFull { limit }) } else { Ok(()) }
    }

    /// Removes the images that were not used for the longest time until the store is small enough, except one, those in
    /// use, and the default image, without which sandboxes would have the files of the machine. Does nothing while
    /// another process adds an image: that one does this when it ends.
    pub(super) fn shrink(&self, kept: Option<&Digest>) -> Result<(), ImageError> {
        let Some(_lock) = self.try_lock()? else { return Ok(()) };
        if self.size()? <= self.max_bytes {
            return Ok(());
        }
        self.sweep()?;
        let images = self.images()?;
        let kept = [kept, images.default_image().map(|(digest, _)| digest)];
        for (digest, _) in self.by_last_use()? {
            if self.size()? <= self.max_bytes {
                break;
            }
            if !kept.contains(&Some(&digest)) && self.evict(&digest)? {
                self.sweep()?;
            }
        }
        Ok(())
    }

    /// Removes all files that no image needs, unless another process adds an image.
    pub(super) fn clean(&self) -> Result<(), ImageError> {
        match self.try_lock()? {
            Some(_lock) => self.sweep(),
            None => Ok(()),
        }
    }

    /// The images, that which was not used for the longest time first.
    fn by_last_use(&self) -> Result<Vec<(Digest, SystemTime)>, ImageError> {
        let last_use = |digest: &Digest| {
            let modified = self.root(digest).metadata().and_then(|metadata| metadata.modified());
            modified.unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let images = self.images()?.images.into_keys();
        let mut images: Vec<_> = images.map(|digest| (digest.clone(), last_use(&digest))).collect();
        images.sort_by_key(|(_, last_use)| *last_use);
        Ok(images)
    }

    /// Removes an image with its names, unless it is in use.
    fn evict(&self, digest: &Digest) -> Result<bool, ImageError> {
        let Some(unleased) = Unleased::of(self.root(digest))? else { return Ok(false) };
        // A root file system that is missing is made again, should the index not be written.
        unleased.remove()?;
        self.index().change(|images| {
            images.names.retain(|_, of| of != digest);
            remove_nameless(images);
        })?;
        Ok(true)
    }

    /// The digests of an image and of its parts.
    pub(super) fn parts(&self, digest: &Digest) -> BTreeSet<Digest> {
        let mut parts = BTreeSet::from([digest.clone()]);
        // The layers of a malformed image are needed by none.
        if let Ok((manifest, _)) = self.image(digest) {
            parts.extend(manifest.layers.into_iter().map(|layer| layer.digest));
            parts.insert(manifest.config.digest);
        }
        parts
    }

    /// Removes all files that no image needs. The store is locked, so no process adds any.
    fn sweep(&self) -> Result<(), ImageError> {
        let mut images = self.images()?;
        remove_nameless(&mut images);
        let (mut blobs, mut roots) = (BTreeSet::new(), BTreeSet::new());
        for digest in images.images.keys() {
            blobs.extend(self.parts(digest).iter().map(|part| part.hex().to_owned()));
            roots.insert(format!("{}.erofs", digest.hex()));
        }
        for blob in self.unneeded("blobs/sha256", &blobs)? {
            remove_file(&blob)?;
        }
        // A sandbox may use an image whose name stands for another one now.
        for root in self.unneeded(ROOTS, &roots)? {
            remove_unleased(root)?;
        }
        self.sweep_temporary()?;
        self.remove_other_roots()
    }

    /// Removes what processes that have ended were writing. The store is locked, so no process adds anything, except the
    /// parts of an image that is fetched for a request, which are leased.
    pub(super) fn sweep_temporary(&self) -> Result<(), ImageError> {
        self.unneeded("tmp", &BTreeSet::new())?.into_iter().try_for_each(remove_unleased)
    }

    /// The files in a part of the store that do not have one of these names.
    fn unneeded(&self, part: &str, needed: &BTreeSet<String>) -> Result<Vec<PathBuf>, ImageError> {
        let is_needed = |file: &DirEntry| file.file_name().to_str().is_some_and(|name| needed.contains(name));
        let files = entries(&self.dir.join(part))?.into_iter();
        Ok(files.filter(|file| !is_needed(file)).map(|file| file.path()).collect())
    }

    /// Removes the root file systems of other versions of this program.
    fn remove_other_roots(&self) -> Result<(), ImageError> {
        for entry in entries(&self.dir)? {
            let is_other =
                entry.file_name().to_str().is_some_and(|name| name.starts_with("roots-") && name != ROOTS);
            if is_other {
                fs::remove_dir_all(entry.path())
                    .map_err(ImageError::io(format!("remove {}", entry.path().display())))?;
            }
        }
        Ok(())
    }
}

/// Removes the images without a name.
fn remove_nameless(images: &mut Images) {
    let named: BTreeSet<_> = images.names.values().cloned().collect();
    images.images.retain(|digest, _| named.contains(digest));
}

fn remove_unleased(path: PathBuf) -> Result<(), ImageError> {
    Unleased::of(path)?.map_or(Ok(()), Unleased::remove)
}

/// Bytes of the files in a folder and its folders. Those that are removed meanwhile have none.
fn bytes(dir: &Path) -> Result<u64, ImageError> {
    let size = |file: &DirEntry| match file.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&file.path()).unwrap_or(0),
        // All links of a file together have its bytes.
        Ok(metadata) => metadata.len() / metadata.nlink().max(1),
        Err(_) => 0,
    };
    Ok(entries(dir)?.iter().map(size).sum())
}

pub(super) fn entries(dir: &Path) -> Result<Vec<DirEntry>, ImageError> {
    let failed = || ImageError::io(format!("read {}", dir.display()));
    fs::read_dir(dir).and_then(Iterator::collect).map_err(failed())
}
