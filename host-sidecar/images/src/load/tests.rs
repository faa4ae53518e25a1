//! Images are loaded from folders and archives into a store.

use super::load;
use crate::{Digest, ImageError, Platform, Reference, Store, UnpackLimits};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};
use tar::{Builder, Header};

/// A folder with a layout and a store, removed at the end of the test.
pub(crate) struct TestDir(pub(crate) PathBuf);

impl TestDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cofferdam-images-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("layout/blobs/sha256")).expect("a folder");
        Self(path)
    }

    pub(crate) fn store_of(&self, max_bytes: u64) -> Store {
        Store::open(&self.0.join("store"), UnpackLimits::default(), max_bytes).expect("a store")
    }

    pub(crate) fn store(&self) -> Store {
        self.store_of(u64::MAX)
    }

    fn blob(&self, content: &[u8]) -> Value {
        let digest = Digest::of(content);
        fs::write(self.layout().join("blobs/sha256").join(digest.hex()), content).expect("a blob");
        json!({ "mediaType": "", "digest": digest, "size": content.len() })
    }

    pub(crate) fn layout(&self) -> PathBuf {
        self.0.join("layout")
    }

    /// Writes an image with one file of this content, and returns its descriptor.
    pub(crate) fn image(&self, content: &str, architecture: &str) -> Value {
        let layer = archive(&[("etc/content", content.as_bytes())]);
        let config = json!({
            "os": "linux",
            "architecture": architecture,
            "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer)] },
            "config": { "Env": ["PATH=/opt/bin", "A=b"], "Entrypoint": ["/bin/false"] },
        });
        let (config, layer) = (self.blob(config.to_string().as_bytes()), self.blob(&layer));
        let mut manifest = self.blob(json!({ "config": config, "layers": [layer] }).to_string().as_bytes());
        manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
        manifest
    }

    pub(crate) fn write_index(&self, manifests: &[Value]) {
        fs::write(self.layout().join("index.json"), json!({ "manifests": manifests }).to_string())
            .expect("an index");
    }

    /// Writes a layout with one image of this name and content.
    pub(crate) fn write_image(&self, name: &str, content: &str) {
        self.write_index(&[named(self.image(content, &machine()), name)]);
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn machine() -> String {
    Platform::of_machine().architecture
}

pub(crate) fn reference(name: &str) -> Reference {
    name.parse().expect("a name")
}

fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    descriptor
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).expect("memory");
    }
    builder.into_inner().expect("memory")
}

fn error(result: Result<Vec<Reference>, ImageError>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn a_layout_is_loaded_from_a_folder_and_from_an_archive() {
    let dir = TestDir::new();
    dir.write_image("python:3.12", "1");
    let names = load(&dir.store(), &dir.layout(), None).expect("loaded");
    assert_eq!(names, [reference("python:3.12")]);
    let image = dir.store().find(&names[0]).expect("an image");
    assert_eq!((&*image.env["PATH"], &*image.env["A"]), ("/opt/bin", "b"));
    assert!(image.name.starts_with("docker.io/library/python@sha256:"), "{}", image.name);
    assert!(fs::read(&image.root).expect("a file").len().is_multiple_of(4096));
    // The digest of its manifest names it too.
    assert_eq!(dir.store().find(&reference(&image.name)).expect("the same").root, image.root);
    let tar = dir.0.join("layout.tar");
    let mut builder = Builder::new(File::create(&tar).expect("a file"));
    builder.append_dir_all(".", dir.layout()).and_then(|()| builder.finish()).expect("an archive");
    let names = load(&dir.store(), &tar, Some(&reference("other:1"))).expect("loaded");
    assert_eq!(dir.store().find(&names[0]).expect("an image").root, image.root);
}

#[test]
fn the_archive_of_docker_save_is_loaded() {
    let dir = TestDir::new();
    let layer = archive(&[("a", b"1")]);
    let config = json!({
        "os": "linux", "architecture": machine(), "rootfs": { "diff_ids": [Digest::of(&layer), Digest::of(&layer)] },
    })
    .to_string();
    let list = json!([{ "Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"], "RepoTags": ["<none>:<none>", "a:1", "b/c:2"] }]);
    let mut builder = Builder::new(Vec::new());
    for (path, content) in [
        ("c.json", config.as_bytes()),
        ("1/layer.tar", &layer),
        ("manifest.json", list.to_string().as_bytes()),
    ] {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content).expect("memory");
    }
    let mut link = Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "2/layer.tar", "../1/layer.tar").expect("memory");
    let path = dir.0.join("save.tar");
    fs::write(&path, builder.into_inner().expect("memory")).expect("a file");
    let names = load(&dir.store(), &path, None).expect("loaded");
    assert_eq!(names, [reference("a:1"), reference("docker.io/b/c:2")]);
    assert_eq!(dir.store().images().expect("images").images.len(), 1);
}

#[test]
fn the_image_for_this_machine_is_chosen() {
    let dir = TestDir::new();
    let (own, foreign) = (dir.image("own", &machine()), dir.image("foreign", "s390x"));
    let index = dir.blob(json!({ "manifests": [foreign.clone(), own] }).to_string().as_bytes());
    dir.write_index(&[named(index.clone(), "many:1")]);
    load(&dir.store(), &dir.layout(), None).expect("loaded");
    let by_index = format!("many@{}", index["digest"].as_str().expect("a digest"));
    assert!(dir.store().find(&reference(&by_index)).is_ok());
    assert!(dir.store().find(&reference(&by_index.replace("many", "other"))).is_err());
    dir.write_index(&[named(foreign, "foreign:1")]);
    let text = error(load(&dir.store(), &dir.layout(), None));
    assert!(text.contains("it is for linux/s390x"), "{text}");
}

#[test]
fn what_is_missing_is_named() {
    let dir = TestDir::new();
    let path = dir.layout();
    assert!(error(load(&dir.store(), &path, None)).contains("neither index.json nor manifest.json"));
    dir.write_index(&[]);
    assert!(error(load(&dir.store(), &path, None)).contains("it is empty"));
    dir.write_index(&[named(dir.image("x", &machine()), "latest")]);
    assert!(error(load(&dir.store(), &path, None)).contains("--name"));
    dir.write_index(&[named(dir.image("x", &machine()), "a:1"), named(dir.image("y", &machine()), "b:1")]);
    assert!(error(load(&dir.store(), &path, Some(&reference("c")))).contains("several images"));
    fs::write(dir.0.join("text"), "no archive").expect("a file");
    assert!(error(load(&dir.store(), &dir.0.join("text"), None)).contains("tar archive"));
}

#[test]
fn a_blob_that_is_not_what_it_claims_is_refused() {
    let dir = TestDir::new();
    dir.write_image("a:1", "1");
    for blob in fs::read_dir(dir.layout().join("blobs/sha256")).expect("blobs") {
        let path = blob.expect("a blob").path();
        let content = fs::read(&path).expect("a blob");
        fs::write(&path, [&*content, b" "].concat()).expect("a blob");
        let other = TestDir::new();
        let store = other.store();
        assert!(load(&store, &dir.layout(), None).is_err(), "{}", path.display());
        assert_eq!(store.images().expect("images"), crate::Images::default());
        fs::write(&path, content).expect("a blob");
    }
    load(&dir.store(), &dir.layout(), None).expect("loaded");
}

#[test]
fn an_archive_with_a_large_extended_header_is_refused() {
    let dir = TestDir::new();
    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        // More than there is: it must not be read.
        header.set_size(1 << 40);
        header.set_cksum();
        let path = dir.0.join("large.tar");
        fs::write(&path, header.as_bytes()).expect("a file");
        let text = error(load(&dir.store(), &path, None));
        assert!(text.contains("an extended header has more than"), "{text}");
    }
}

#[test]
fn a_folder_names_no_file_outside() {
    let dir = TestDir::new();
    let folder = dir.0.join("save");
    fs::create_dir(&folder).expect("a folder");
    let layer = archive(&[("a", b"1")]);
    let config = json!({
        "os": "linux", "architecture": machine(), "rootfs": { "diff_ids": [Digest::of(&layer)] },
    });
    fs::write(folder.join("c.json"), config.to_string()).expect("a file");
    let secret = dir.0.join("secret.tar");
    fs::write(&secret, &layer).expect("a file");
    symlink(&secret, folder.join("link")).expect("a link");
    fs::write(folder.join("inside.tar"), &layer).expect("a file");
    symlink("inside.tar", folder.join("inside")).expect("a link");
    let load_layer = |path: &str| {
        let list = json!([{ "Config": "c.json", "Layers": [path], "RepoTags": ["a:1"] }]);
        fs::write(folder.join("manifest.json"), list.to_string()).expect("a file");
        load(&dir.store(), &folder, None)
    };
    for path in [secret.to_str().expect("a path"), "../secret.tar", "link"] {
        let text = error(load_layer(path));
        assert!(text.contains("it is not in the folder"), "{text}");
    }
    load_layer("inside").expect("loaded");
}

#[test]
fn a_name_with_the_digest_of_another_image_is_refused() {
    let dir = TestDir::new();
    let image = dir.image("1", &machine());
    let own = format!("a@{}", image["digest"].as_str().expect("a digest"));
    let other = format!("a@{}", Digest::of(b"other"));
    dir.write_index(std::slice::from_ref(&image));
    let result = load(&dir.store(), &dir.layout(), Some(&reference(&other)));
    assert!(matches!(result, Err(ImageError::WrongDigest { .. })), "{result:?}");
    load(&dir.store(), &dir.layout(), Some(&reference(&own))).expect("loaded");
    dir.write_index(&[named(image, &other)]);
    let result = load(&dir.store(), &dir.layout(), None);
    assert!(matches!(result, Err(ImageError::WrongDigest { .. })), "{result:?}");
    assert!(dir.store().find(&reference(&other)).is_err());
}

#[test]
fn parts_that_are_too_large_together_are_refused_and_leave_nothing() {
    let dir = TestDir::new();
    // Each part is small enough, and neither is there: nothing of them has been asked for.
    let part = |content| json!({ "digest": Digest::of(content), "size": 1001 });
    let manifest = json!({ "config": part(b"config"), "layers": [part(b"layer")] });
    dir.write_index(&[named(dir.blob(manifest.to_string().as_bytes()), "a:1")]);
    let limits = UnpackLimits { bytes: 2000, ..UnpackLimits::default() };
    let store = Store::open(&dir.0.join("store"), limits, u64::MAX).expect("a store");
    let result = load(&store, &dir.layout(), None);
    assert!(matches!(result, Err(ImageError::Limit { limit: 2000, .. })), "{result:?}");
    assert_eq!(store.size().expect("a size"), 0);
    let addition = store.add().expect("a lock");
    addition.add_content(&[1; 1500][..]).expect("a part");
    let result = addition.add_content(&[2; 501][..]);
    assert!(matches!(result, Err(ImageError::Limit { limit: 2000, .. })), "{result:?}");
    addition.add_content(&[2; 500][..]).expect("a part");
    assert_eq!(store.size().expect("a size"), 2000);
    drop(addition);
    assert_eq!(store.size().expect("a size"), 0);
}
