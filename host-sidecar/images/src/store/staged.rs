//! The parts of an image that is fetched for somebody who is not trusted. Its registry may be slow, so the store is not
//! locked before all of them are there.

use super::{Lease, Store, blobs::require_size, sync_dir};
use crate::{Descriptor, Digest, ImageError};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    path::PathBuf,
};
use uuid::Uuid;

/// A folder of parts, which become blobs together or are removed.
#[derive(Debug)]
pub(super) struct StagedParts {
    dir: PathBuf,
    /// Nobody else removes the folder while this process lives.
    _lease: Option<Lease>,
    /// The parts that need not be fetched if the store has them.
    shared: BTreeSet<Digest>,
}

impl StagedParts {
    /// An empty folder. The store is locked.
    pub(super) fn create(store: &Store, shared: BTreeSet<Digest>) -> Result<Self, ImageError> {
        let dir = store.dir.join("tmp").join(Uuid::new_v4().simple().to_string());
        fs::create_dir(&dir).map_err(ImageError::io(format!("create {}", dir.display())))?;
        Ok(Self { _lease: Lease::of(&dir)?, dir, shared })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex())
    }

    /// Counts a part with the size that it is said to have, until it is there.
    pub(super) fn reserve(&mut self, store: &Store, part: &Descriptor) -> Result<(), ImageError> {
        if self.has(store, &part.digest) {
            return Ok(());
        }
        self.shared.remove(&part.digest);
        let path = self.path(&part.digest);
        let reserved = File::create(&path).and_then(|file| file.set_len(part.size));
        reserved.map_err(ImageError::io(format!("write {}", path.display())))
    }

    /// Whether a part need not be fetched. It has a link of its own then, so that it may be removed from the store.
    pub(super) fn has(&self, store: &Store, digest: &Digest) -> bool {
        let link = self.path(digest);
        self.shared.contains(digest)
            && (link.exists() || fs::hard_link(store.blob_path(digest), link).is_ok())
    }

    /// Fails if a part that need not be fetched has another size than its descriptor says.
    pub(super) fn require_length(&self, store: &Store, part: &Descriptor) -> Result<(), ImageError> {
        let path = self.path(&part.digest);
        let size = path.metadata().map_err(ImageError::io(format!("read {}", path.display())))?.len();
        require_size(part, size).map_err(|error| store.lost_part(&part.digest).unwrap_or(error))
    }

    /// Adds a part. It is checked, also if the store has it.
    pub(super) fn add(&self, store: &Store, part: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        let path = self.path(&part.digest);
        let failed = || ImageError::io(format!("write {}", path.display()));
        let mut file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(failed())?;
        store.copy_checked(part, content, &mut file)?;
        file.sync_all().map_err(failed())
    }

    /// Makes blobs of the parts. The store is locked.
    pub(super) fn keep(self, store: &Store) -> Result<(), ImageError> {
        let failed = || ImageError::io(format!("read {}", self.dir.display()));
        for part in fs::read_dir(&self.dir).map_err(failed())? {
            let part = part.map_err(failed())?;
            let blob = store.dir.join("blobs/sha256").join(part.file_name());
            fs::rename(part.path(), &blob).map_err(ImageError::io(format!("write {}", blob.display())))?;
        }
        sync_dir(&store.dir.join("blobs/sha256"))
    }
}

impl Drop for StagedParts {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next prune.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::tests::{TestDir, reference},
        store::tests::{files, load_image},
    };

    #[test]
    fn pulls_at_once_count_with_the_sizes_that_they_declare() {
        let dir = TestDir::new();
        load_image(&dir, &dir.store(), "a:1");
        let store = dir.store_of(dir.store().size().expect("a size") + 3000);
        let digest = store.images().expect("images").names[&reference("a:1")].clone();
        let mut manifest = store.image(&digest).expect("an image").0;
        manifest.layers = vec![Descriptor { digest: Digest::of(b""), size: 2000, ..manifest.config.clone() }];
        let pull = || store.add_untrusted(&|name| *name == reference("a:1")).expect("a lock");
        let (mut one, mut two) = (pull(), pull());
        let used = store.find(&reference("a:1")).expect("an image");
        one.reserve(&manifest).expect("room");
        assert!(matches!(two.reserve(&manifest), Err(ImageError::StoreFull { .. })));
        drop((one, two));
        let (mut one, mut two) = (pull(), pull());
        one.reserve(&manifest).expect("room again");
        // What is not in use makes room, and stays for the pull that shares a part of it.
        drop(used);
        two.reserve(&manifest).expect("room");
        assert!(store.find(&reference("a:1")).is_err());
        two.add_fetched(&manifest.config, || -> Result<File, _> { panic!("it is shared") }).expect("there");
    }

    #[test]
    fn images_are_removed_while_another_one_is_fetched_for_a_request() {
        let dir = TestDir::new();
        let store = dir.store();
        load_image(&dir, &store, "a:1");
        let digest = store.images().expect("images").names[&reference("a:1")].clone();
        let manifest = store.image(&digest).expect("an image").0;
        let [layer] = &*manifest.layers else { panic!("{manifest:?}") };
        let content = fs::read(store.blob_path(&digest)).expect("a manifest");
        let described =
            Descriptor { digest: digest.clone(), size: content.len() as u64, ..manifest.config.clone() };
        let layout = dir.layout().join("blobs/sha256");
        let fetch = |part: &Descriptor| {
            File::open(layout.join(part.digest.hex())).map_err(ImageError::io("open a part"))
        };
        let tmp = dir.0.join("store/tmp");
        let dead = tmp.join("dead");
        fs::create_dir(&dead)
            .and_then(|()| fs::write(dead.join("part"), "of a killed process"))
            .expect("a file");
        let sharing = store.add_untrusted(&|name| *name == reference("a:1")).expect("a lock");
        sharing.add_fetched(layer, || -> Result<File, _> { panic!("it is shared") }).expect("there");
        let other = store.add_untrusted(&|_| false).expect("a lock");
        other.add_fetched(layer, || fetch(layer)).expect("fetched");
        store.remove(&reference("a:1")).expect("removed");
        assert_eq!((files(&dir), dead.exists()), (0, false));
        assert_eq!(store.size().expect("a size"), 2 * layer.size);
        sharing.add(&described, &*content).expect("added");
        sharing.add_fetched(&manifest.config, || fetch(&manifest.config)).expect("fetched");
        sharing.finish(&digest, None, &[reference("b:1")]).expect("added");
        store.prune(None).expect("pruned");
        assert!(store.find(&reference("b:1")).is_ok());
        other.add_fetched(layer, || fetch(layer)).expect("fetched again");
        drop(other);
        assert_eq!((files(&dir), fs::read_dir(tmp).expect("a folder").count()), (4, 0));
    }
}
