//! The images of one user, shared by all of the user's processes.
//!
//! | path | content |
//! |---|---|
//! | `blobs/sha256/HEX` | manifests, configurations and layers, as they were loaded |
//! | `roots/HEX.erofs` | the root file system of the image whose manifest has this digest |
//! | `index.json` | the images and their names |
//! | `tmp` | files that are being written; a folder for each image that a request has chosen, locked while it is fetched |
//! | `lock` | locked shared while an image is added (not: fetched for a request), exclusively while files are removed |
//! | `index.lock` | locked while the index is changed |
//!
//! Every file is written under another name, flushed and renamed, and an image is named last: so a process
//! that is killed leaves a store that works, and what it had in `tmp` is removed later.

mod add;
mod blobs;
mod index;
mod lease;
mod ownership;
mod removal;
mod space;
#[cfg(feature = "registry")]
mod staged;
mod unpack;

pub use add::Addition;
pub use index::{ImageRecord, Images};
pub use lease::Lease;

use crate::{Digest, ImageError, Reference, UnpackLimits};
use index::IndexFile;
use ownership::require_own;
use rustix::fs::StatVfsMountFlags;
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Version of what is in a root file system. Those of another version are made again from their layers.
const ROOTS: &str = "roots-1";

/// How often an image is looked for that other processes remove and add again meanwhile.
const FIND_ATTEMPTS: usize = 3;

/// The images of one user.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    limits: UnpackLimits,
    /// Bytes of the whole store, above which the images are removed that were not used for the longest time.
    max_bytes: u64,
    /// The program that unpacks images. None: this process does.
    unpacker: Option<PathBuf>,
}

/// An image that stays in the store while this exists.
#[derive(Debug)]
pub struct StoredImage {
    /// Its name with the digest of its manifest.
    pub name: String,
    /// The EROFS file with its root file system.
    pub root: PathBuf,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Keeps it in the store.
    pub lease: Lease,
}

impl Store {
    /// Whether the folder is a store to which an image was added. Opens nothing.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        IndexFile::new(dir).exists()
    }

    /// Opens the store in a folder, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, or another user may change what is in it.
    pub fn open(dir: &Path, limits: UnpackLimits, max_bytes: u64) -> Result<Self, ImageError> {
        let failed = || ImageError::io(format!("use the store of images {}", dir.display()));
        let create = |dir: &Path| DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed());
        create(dir)?;
        // gVisor opens a path without links only.
        let dir = dir.canonicalize().map_err(failed())?;
        require_own(&dir)?;
        for part in ["blobs", "blobs/sha256", ROOTS, "tmp"].map(|part| dir.join(part)) {
            create(&part)?;
            require_own(&part)?;
        }
        Ok(Self { dir, limits, max_bytes, unpacker: None })
    }

    /// Unpacks images in a process of its own, with limits, no network and no access to files. Without it, images
    /// are unpacked in this process, within the limits of [`UnpackLimits`] alone.
    ///
    /// The program is `cofferdam`, or any that calls
    /// [`unpack_if_started_for_it`](crate::unpack_if_started_for_it) first; `/proc/self/exe` is this one.
    #[must_use]
    pub fn with_unpacker(self, program: PathBuf) -> Self {
        Self { unpacker: Some(program), ..self }
    }

    /// The same store for images that may unpack to fewer bytes.
    pub(crate) fn with_less(mut self, bytes: u64) -> Self {
        self.limits.bytes = self.limits.bytes.saturating_sub(bytes);
        self
    }

    /// The images and their names.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn images(&self) -> Result<Images, ImageError> {
        self.index().read()
    }

    /// Finds an image, which is then the one that was used last.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotFound`]; or the store cannot be read.
    pub fn find(&self, reference: &Reference) -> Result<StoredImage, ImageError> {
        self.require_exec()?;
        for _ in 0..FIND_ATTEMPTS {
            let images = self.images()?;
            let Some((digest, record)) = images.find(reference) else { break };
            let root = self.root(digest);
            if let Some(lease) = self.lease(digest)? {
                let name = format!("{}@{digest}", reference.name());
                return Ok(StoredImage { name, root, env: record.env.clone(), lease });
            }
            // Another process has just removed the image; the index says whether it has been added again.
        }
        Err(ImageError::NotFound(reference.clone().into()))
    }

    /// The lease of an image; none if it has been removed.
    fn lease(&self, digest: &Digest) -> Result<Option<Lease>, ImageError> {
        let root = self.root(digest);
        if let Some(lease) = Lease::of(&root)? {
            return Ok(Some(lease));
        }
        // It is of another version of this program, or is removed: not while the store is locked.
        let _lock = self.lock_shared()?;
        if !self.images()?.images.contains_key(digest) {
            return Ok(None);
        }
        self.unpack(digest)?;
        Lease::of(&root)
    }

    fn require_exec(&self) -> Result<(), ImageError> {
        let is_noexec = rustix::fs::statvfs(&self.dir)
            .is_ok_and(|file_system| file_system.f_flag.contains(StatVfsMountFlags::NOEXEC));
        if is_noexec { Err(ImageError::NoExec(self.dir.display().to_string())) } else { Ok(()) }
    }

    /// The EROFS file of the image whose manifest has this digest.
    #[must_use]
    pub fn root(&self, manifest: &Digest) -> PathBuf {
        self.dir.join(ROOTS).join(format!("{}.erofs", manifest.hex()))
    }

    fn index(&self) -> IndexFile<'_> {
        IndexFile::new(&self.dir)
    }

    /// The lock of those who add and remove files, not locked yet.
    fn lock_file(&self) -> Result<File, ImageError> {
        let path = self.dir.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map_err(ImageError::io(format!("open {}", path.display())))
    }

    /// Locks the store against removals.
    fn lock_shared(&self) -> Result<File, ImageError> {
        let lock = self.lock_file()?;
        lock.lock_shared().map_err(ImageError::io("lock the store of images"))?;
        Ok(lock)
    }
}

/// Makes what was renamed into a folder survive a power failure.
fn sync_dir(dir: &Path) -> Result<(), ImageError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(ImageError::io(format!("flush {}", dir.display())))
}

/// Removes a file, if it is there.
fn remove_file(path: &Path) -> Result<(), ImageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ImageError::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
