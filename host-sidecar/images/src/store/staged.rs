//! The parts of an image that is fetched for somebody who is not trusted. Its registry may be slow, so the store is not
//! locked before all of them are there.

use super::{Lease, Store, removal::entries, sync_dir};
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
    /// No other process removes the folder while this one lives.
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

    /// Whether a part need not be fetched. It has a link of its own then, so that it may be removed from the store.
    pub(super) fn has(&self, store: &Store, digest: &Digest) -> bool {
        let link = self.path(digest);
        link.exists() || self.shared.contains(digest) && fs::hard_link(store.blob_path(digest), link).is_ok()
    }

    /// Fails if a part that need not be fetched has another size than its descriptor says.
    pub(super) fn require_length(&self, store: &Store, part: &Descriptor) -> Result<(), ImageError> {
        let path = self.path(&part.digest);
        let file = File::open(&path).map_err(ImageError::io(format!("open {}", path.display())))?;
        store.require_length_of(&file, part)
    }

    /// Adds a part. It is checked, also if the store has it.
    pub(super) fn add(&self, store: &Store, part: &Descriptor, content: impl Read) -> Result<(), ImageError> {
        let path = self.path(&part.digest);
        let failed = || ImageError::io(format!("write {}", path.display()));
        let mut file = File::create(&path).map_err(failed())?;
        store.copy_checked(part, content, &mut file)?;
        file.sync_all().map_err(failed())
    }

    /// Makes blobs of the parts. The store is locked.
    pub(super) fn keep(self, store: &Store) -> Result<(), ImageError> {
        for part in entries(&self.dir)? {
            let blob = store.dir.join("blobs/sha256").join(part.file_name());
            fs::rename(part.path(), &blob).map_err(ImageError::io(format!("write {}", blob.display())))?;
        }
        sync_dir(&store.dir.join("blobs/sha256"))
    }
}

impl Drop for StagedParts {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next pull or prune.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::tests::{TestDir, reference},
        store::{
            Addition,
            tests::{files, load_image, manifest_of},
        },
    };

    #[test]
    fn only_what_a_pull_has_fetched_makes_room_and_counts_for_others() {
        let dir = TestDir::new();
        load_image(&dir, &dir.store(), "a:1");
        let store = dir.store_of(dir.store().size().expect("a size") + 3000);
        let (_, any) = manifest_of(&store, "a:1");
        let part = |byte: u8| {
            let content = vec![byte; 2000];
            (Descriptor { digest: Digest::of(&content), size: 2000, ..any.config.clone() }, content)
        };
        let pull = || store.add_untrusted(&|_| false).expect("a lock");
        let add = |pull: &Addition<'_>, (part, content): &(Descriptor, Vec<u8>)| pull.add(part, &**content);
        let (one, two) = (pull(), pull());
        let huge = Descriptor { digest: Digest::of(b"huge"), size: 1 << 40, ..any.config.clone() };
        assert!(one.add(&huge, &b"short"[..]).is_err());
        assert!(store.find(&reference("a:1")).is_ok());
        let used = store.find(&reference("a:1")).expect("an image");
        add(&one, &part(1)).expect("room");
        assert!(matches!(add(&two, &part(2)), Err(ImageError::StoreFull { .. })));
        drop((one, two));
        let (one, two) = (pull(), pull());
        add(&one, &part(1)).expect("room again");
        // What is not in use makes room.
        drop(used);
        add(&two, &part(2)).expect("room");
        assert!(store.find(&reference("a:1")).is_err());
    }

    #[test]
    fn what_a_pull_has_left_is_removed_by_the_next() {
        let dir = TestDir::new();
        let store = dir.store();
        let tmp = dir.0.join("store/tmp");
        let of_dead = tmp.join("dead");
        fs::create_dir(&of_dead).expect("a folder");
        let living = store.add_untrusted(&|_| false).expect("a lock");
        let next = store.add_untrusted(&|_| false).expect("a lock");
        assert!(!of_dead.exists());
        assert_eq!(fs::read_dir(&tmp).expect("a folder").count(), 2);
        drop((living, next));
    }

    #[test]
    fn images_are_removed_while_another_one_is_fetched_for_a_request() {
        let dir = TestDir::new();
        let store = dir.store();
        load_image(&dir, &store, "a:1");
        let (digest, manifest) = manifest_of(&store, "a:1");
        let [layer] = &*manifest.layers else { panic!("{manifest:?}") };
        let content = fs::read(store.blob_path(&digest)).expect("a manifest");
        let described =
            Descriptor { digest: digest.clone(), size: content.len() as u64, ..manifest.config.clone() };
        let layout = dir.layout().join("blobs/sha256");
        let fetch = |part: &Descriptor| {
            File::open(layout.join(part.digest.hex())).map_err(ImageError::io("open a part"))
        };
        let sharing = store.add_untrusted(&|name| *name == reference("a:1")).expect("a lock");
        sharing.add_fetched(layer, || -> Result<File, _> { panic!("it is shared") }).expect("there");
        let other = store.add_untrusted(&|_| false).expect("a lock");
        other.add_fetched(layer, || fetch(layer)).expect("fetched");
        let tmp = dir.0.join("store/tmp");
        let dead = tmp.join("dead");
        fs::create_dir(&dead)
            .and_then(|()| fs::write(dead.join("part"), "of a killed process"))
            .expect("a file");
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
