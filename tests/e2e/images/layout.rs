//! Builds OCI layouts.

use cofferdam::images::{Digest, Platform};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tar::{Builder, EntryType, Header};

/// A layer that is being built.
#[derive(Default)]
pub(super) struct Layer {
    entries: Vec<(Header, String, Vec<u8>)>,
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(0);
    header
}

impl Layer {
    fn add(mut self, header: Header, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.entries.push((header, path.to_owned(), content.into()));
        self
    }

    /// An executable file.
    pub(super) fn file(self, path: &str, content: &str) -> Self {
        self.add(header(EntryType::Regular, 0o755), path, content)
    }

    pub(super) fn directory(self, path: &str, mode: u32) -> Self {
        self.add(header(EntryType::Directory, mode), path, [])
    }

    pub(super) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    pub(super) fn hard_link(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = header(kind, 0o777);
        header.set_link_name(target).expect("a short target");
        self.add(header, path, [])
    }

    /// Changes mode and owner of an entry.
    pub(super) fn owned(mut self, path: &str, mode: u32, owner: u64) -> Self {
        let (header, ..) = self.entries.iter_mut().find(|entry| entry.1 == path).expect("an entry");
        header.set_mode(mode);
        header.set_uid(owner);
        self
    }

    /// A program of this machine with its libraries.
    pub(super) fn program(self, from: &str, to: &str) -> Self {
        let libraries = Command::new("ldd").arg(from).output().expect("ldd").stdout;
        let libraries = String::from_utf8(libraries).expect("text");
        let paths = libraries.split_whitespace().filter(|word| word.starts_with('/'));
        let copy = |layer: Self, from: &str, to: &str| {
            let content = fs::read(from).expect("a file of this machine");
            layer.add(header(EntryType::Regular, 0o755), to.trim_start_matches('/'), content)
        };
        paths.fold(copy(self, from, to), |layer, path| copy(layer, path, path))
    }

    pub(super) fn archive(&self) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (header, path, content) in &self.entries {
            let mut header = header.clone();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, &**content).expect("memory");
        }
        builder.into_inner().expect("memory")
    }
}

/// Writes a part of an image into a layout, and gives its descriptor.
pub(super) fn blob(folder: &Path, media_type: &str, content: &[u8]) -> Value {
    let (digest, blobs) = (Digest::of(content), folder.join("blobs/sha256"));
    fs::create_dir_all(&blobs).expect("a folder");
    fs::write(blobs.join(digest.hex()), content).expect("a blob");
    json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
}

/// The descriptor of an image with a name.
pub(super) fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    descriptor
}

/// A configuration of an image for a processor, with the digests of what its layers unpack to.
pub(super) fn config(architecture: &str, diff_ids: &[Digest]) -> Value {
    json!({
        "os": "linux",
        "architecture": architecture,
        "created": "2020-02-02T02:02:02Z",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

/// A layout with one image.
pub(super) struct Layout {
    layers: Vec<Layer>,
    architecture: String,
    config: Value,
}

impl Layout {
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self { layers, architecture: Platform::of_machine().architecture, config: json!({}) }
    }

    pub(super) fn env(mut self, variables: &[&str]) -> Self {
        self.config["Env"] = json!(variables);
        self
    }

    pub(super) fn config(mut self, name: &str, value: &str) -> Self {
        self.config[name] = json!(value);
        self
    }

    pub(super) fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    /// Writes the layout into a new folder.
    pub(super) fn write(&self, folder: &Path, name: &str) {
        let _ = fs::remove_dir_all(folder);
        let blob = |media_type: &str, content: &[u8]| blob(folder, media_type, content);
        let archives: Vec<_> = self.layers.iter().map(Layer::archive).collect();
        let diff_ids: Vec<_> = archives.iter().map(|archive| Digest::of(archive)).collect();
        let mut config = config(&self.architecture, &diff_ids);
        config["config"] = self.config.clone();
        let layers = archives.iter().map(|archive| blob("application/vnd.oci.image.layer.v1.tar", archive));
        let manifest = json!({
            "schemaVersion": 2,
            "layers": layers.collect::<Vec<_>>(),
            "config": blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        });
        let manifest = blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        let index = json!({ "schemaVersion": 2, "manifests": [named(manifest, name)] });
        fs::write(folder.join("index.json"), index.to_string()).expect("an index");
    }
}
