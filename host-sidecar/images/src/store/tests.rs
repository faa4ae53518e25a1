//! The store is shared by processes, and survives those that are killed.

use super::{Lease, Store, lease::Unleased};
use crate::{
    DEFAULT_IMAGE, Descriptor, Digest, ImageError, Manifest,
    load::{
        load,
        tests::{TestDir, reference},
    },
};
use std::{fs, io, os::unix::fs::MetadataExt, thread, time::SystemTime};

pub(super) fn load_image(dir: &TestDir, store: &Store, name: &str) {
    dir.write_image(name, name);
    load(store, &dir.layout(), None).expect("loaded");
}

/// The manifest of an image and its digest.
pub(super) fn manifest_of(store: &Store, name: &str) -> (Digest, Manifest) {
    let digest = store.images().expect("images").names[&reference(name)].clone();
    let (manifest, _) = store.image(&digest).expect("an image");
    (digest, manifest)
}

pub(super) fn files(dir: &TestDir) -> usize {
    let count = |part: &str| fs::read_dir(dir.0.join("store").join(part)).expect("a folder").count();
    count("blobs/sha256") + count(super::ROOTS)
}

#[test]
fn an_image_is_removed_with_its_last_name() {
    let dir = TestDir::new();
    let store = dir.store();
    assert!(matches!(store.find(&reference("a:1")), Err(ImageError::NotFound(_))));
    load_image(&dir, &store, "a:1");
    load(&store, &dir.layout(), Some(&reference("b:1"))).expect("loaded");
    store.remove(&reference("a:1")).expect("removed");
    assert!(store.find(&reference("a:1")).is_err());
    assert!(store.find(&reference("b:1")).is_ok());
    store.remove(&reference("b:1")).expect("removed");
    assert_eq!(files(&dir), 0);
    assert!(matches!(store.remove(&reference("b:1")), Err(ImageError::NotFound(_))));
}

#[test]
fn an_image_in_use_stays() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let image = store.find(&reference("a:1")).expect("an image");
    assert!(matches!(store.remove(&reference("a:1")), Err(ImageError::InUse(_))));
    store.prune(Some(SystemTime::now())).expect("pruned");
    assert!(image.root.exists());
    drop(image);
    assert!(store.prune(Some(SystemTime::now())).expect("pruned") > 4096);
    assert_eq!(files(&dir), 0);
}

#[test]
fn an_image_whose_name_stands_for_another_one_is_pruned() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let image = store.find(&reference("a:1")).expect("an image");
    dir.write_image("a:1", "another");
    load(&store, &dir.layout(), None).expect("loaded");
    store.prune(None).expect("pruned");
    // It is in use.
    assert_eq!((image.root.exists(), files(&dir)), (true, 5));
    drop(image);
    store.prune(None).expect("pruned");
    assert_eq!(files(&dir), 4);
    assert!(store.find(&reference("a:1")).is_ok());
}

#[test]
fn nothing_is_removed_while_an_image_is_added() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let addition = store.add().expect("a lock");
    assert!(matches!(store.remove(&reference("a:1")), Err(ImageError::InUse(_))));
    assert!(matches!(store.prune(Some(SystemTime::now())), Err(ImageError::InUse(_))));
    drop(addition);
    store.remove(&reference("a:1")).expect("removed");
}

#[test]
fn what_a_killed_process_left_is_removed_and_the_store_works() {
    let dir = TestDir::new();
    let store = dir.store();
    for path in ["tmp/1-0", "blobs/sha256/0000", "roots-0/old.erofs"] {
        let path = dir.0.join("store").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "part of a file").expect("a file");
    }
    load_image(&dir, &store, "a:1");
    store.prune(None).expect("pruned");
    assert_eq!(files(&dir), 4);
    assert!(!dir.0.join("store/tmp/1-0").exists() && !dir.0.join("store/roots-0").exists());
    // A root file system that is gone is made again.
    let root = store.find(&reference("a:1")).expect("an image").root;
    fs::remove_file(&root).expect("removed");
    assert!(store.find(&reference("a:1")).is_ok() && root.exists());
    // Until then its image stays, also after an update of this program.
    fs::remove_file(&root).expect("removed");
    store.prune(None).expect("pruned");
    assert!(store.find(&reference("a:1")).is_ok());
}

#[test]
fn the_image_that_was_not_used_for_the_longest_time_makes_room() {
    let dir = TestDir::new();
    let unlimited = dir.store();
    load_image(&dir, &unlimited, "a:1");
    let size = unlimited.size().expect("a size");
    load_image(&dir, &unlimited, "b:1");
    let (a, b) = (reference("a:1"), reference("b:1"));
    let used = |name| unlimited.find(name).expect("an image").root;
    let root = used(&b);
    let old = SystemTime::UNIX_EPOCH;
    fs::File::open(&root).and_then(|file| file.set_modified(old)).expect("a time");
    let store = dir.store_of(size * 2 + size / 2);
    load_image(&dir, &store, "c:1");
    assert!(store.find(&b).is_err());
    assert!(store.find(&a).is_ok() && store.find(&reference("c:1")).is_ok());
    // The one that was just added stays, whatever its size.
    load_image(&dir, &dir.store_of(1), "d:1");
    assert!(store.find(&reference("d:1")).is_ok() && store.find(&a).is_err());
}

#[test]
fn the_last_of_the_images_that_are_added_at_once_makes_room_for_all() {
    let dir = TestDir::new();
    load_image(&dir, &dir.store(), "a:1");
    let size = dir.store().size().expect("a size");
    let store = dir.store_of(size + size / 2);
    let addition = store.add().expect("a lock");
    load_image(&dir, &store, "b:1");
    assert!(store.size().expect("a size") > store.max_bytes);
    drop(addition);
    assert!(store.find(&reference("a:1")).is_err() && store.find(&reference("b:1")).is_ok());
}

#[test]
fn the_default_image_makes_no_room() {
    let dir = TestDir::new();
    load_image(&dir, &dir.store(), DEFAULT_IMAGE);
    load_image(&dir, &dir.store(), "a:1");
    load_image(&dir, &dir.store_of(1), "b:1");
    let images = dir.store().images().expect("images");
    assert!(images.default_image().is_some() && images.find(&reference("a:1")).is_none());
    dir.store().prune(Some(SystemTime::now())).expect("pruned");
    assert!(dir.store().images().expect("images").default_image().is_none());
}

#[test]
fn processes_may_add_the_same_image_at_once() {
    let dir = TestDir::new();
    dir.write_image("a:1", "1");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| load(&dir.store(), &dir.layout(), None).expect("loaded"));
        }
    });
    assert_eq!((files(&dir), dir.store().images().expect("images").names.len()), (4, 1));
}

#[test]
fn nobody_gets_an_image_that_is_being_evicted() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let root = store.find(&reference("a:1")).expect("an image").root;
    let unleased = Unleased::of(root.clone()).expect("a file").expect("no lease");
    let found = fs::File::open(&root).expect("a file");
    assert!(matches!(found.try_lock_shared(), Err(fs::TryLockError::WouldBlock)));
    unleased.remove().expect("removed");
    found.try_lock_shared().expect("unlocked");
    assert!(Lease::of(&root).expect("no file").is_none());
    // It is still in the index, so it is made again.
    assert!(store.find(&reference("a:1")).is_ok());
    // A search that has read the index before looks again.
    let images = store.images().expect("images");
    let (digest, _) = images.find(&reference("a:1")).expect("an image");
    store.remove(&reference("a:1")).expect("removed");
    assert!(store.lease(digest).expect("no image").is_none());
}

#[test]
fn room_is_made_before_the_index_is_written() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let index = || fs::metadata(dir.0.join("store/index.json")).expect("an index").ino();
    let (before, root) = (index(), store.find(&reference("a:1")).expect("an image").root);
    store.prune(None).expect("pruned");
    assert_eq!(index(), before, "nothing has changed");
    // The index cannot be written, as on a full disk.
    let lock = dir.0.join("store/index.lock");
    fs::remove_file(&lock).and_then(|()| fs::create_dir(&lock)).expect("a folder");
    let unneeded = dir.0.join("store/blobs/sha256/0000");
    fs::write(&unneeded, "part of a file").expect("a file");
    assert!(store.prune(Some(SystemTime::now())).is_err());
    assert!(!unneeded.exists() && !root.exists());
    fs::remove_dir(&lock).expect("removed");
    assert!(store.find(&reference("a:1")).is_ok());
}

#[test]
fn a_damaged_part_is_removed_and_added_again() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let root = store.find(&reference("a:1")).expect("an image").root;
    for blob in fs::read_dir(dir.0.join("store/blobs/sha256")).expect("blobs") {
        let path = blob.expect("a blob").path();
        let whole = fs::read(&path).expect("a blob");
        fs::write(&path, &whole[1..]).expect("a blob");
        fs::remove_file(&root).expect("removed");
        for _ in 0..2 {
            let error = store.find(&reference("a:1")).expect_err("damaged");
            assert!(matches!(error, ImageError::LostPart(_)), "{error}");
            assert!(!path.exists());
        }
        load(&store, &dir.layout(), None).expect("loaded");
        assert!(store.find(&reference("a:1")).is_ok());
        assert_eq!(fs::read(&path).expect("a blob"), whole);
    }
}

#[test]
fn the_digest_of_an_index_names_an_image_in_the_repositories_that_have_it() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "loaded:1");
    let (manifest, _) = manifest_of(&store, "loaded:1");
    let [index, other] = [Digest::of(b"index"), Digest::of(b"other index")];
    let add = |index: Option<&Digest>, name: &str| {
        let names = [reference(name)];
        store.add().expect("a lock").finish(&manifest, index.cloned(), &names).expect("added");
    };
    let is_known = |name: &str, digest: &Digest| store.find(&reference(&format!("{name}@{digest}"))).is_ok();
    add(Some(&index), &format!("base@{index}"));
    add(Some(&index), "tagged:1");
    for added in [None, Some(&other)] {
        add(added, "copy:1");
        assert!(is_known("base", &index) && is_known("tagged", &index), "{added:?}");
        assert!(!is_known("copy", &index) && !is_known("base", &other), "{added:?}");
    }
    assert!(is_known("copy", &other));
    // The same tag without its index.
    add(None, "tagged:1");
    assert!(is_known("tagged", &index));
}

#[test]
fn a_part_that_is_there_has_the_size_of_its_descriptor() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let layer = manifest_of(&store, "a:1").1.layers[0].clone();
    let addition = store.add().expect("a lock");
    addition.add(&layer, io::empty()).expect("there");
    for size in [layer.size - 1, layer.size + 1] {
        let wrong = Descriptor { size, ..layer.clone() };
        let error = addition.add(&wrong, io::empty()).expect_err("another size").to_string();
        assert!(
            error.contains(&format!("has {} bytes, and its size is given as {size}", layer.size)),
            "{error}"
        );
    }
    // The manifest is not to blame where the part is damaged.
    let path = store.blob_path(&layer.digest);
    fs::write(&path, "damaged").expect("written");
    assert!(matches!(addition.add(&layer, io::empty()), Err(ImageError::LostPart(_))));
    assert!(!path.exists());
}

#[cfg(feature = "registry")]
#[test]
fn a_part_that_is_there_has_the_size_of_its_descriptor_when_it_is_pulled() {
    let dir = TestDir::new();
    let store = dir.store();
    load_image(&dir, &store, "a:1");
    let layer = manifest_of(&store, "a:1").1.layers[0].clone();
    let wrong = Descriptor { size: layer.size + 1, ..layer.clone() };
    let trusted = store.add().expect("a lock");
    let [shared, fetched] =
        [true, false].map(|is_shared| store.add_untrusted(&|_| is_shared).expect("a lock"));
    for addition in [trusted, shared, fetched] {
        let add = |descriptor| addition.add_fetched(descriptor, || store.blob(&layer.digest));
        add(&layer).expect("there");
        assert!(matches!(add(&wrong), Err(ImageError::MalformedDocument { .. })), "{addition:?}");
    }
}
