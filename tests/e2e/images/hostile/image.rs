//! Images whose documents may say anything.

use cofferdam::images::{Digest, Platform};
use cofferdam_tests::images::{self, named};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The name of the image that is written.
pub(in crate::images) const NAME: &str = "hostile:1";

/// An image that is being built.
pub(in crate::images) struct Image {
    /// The layers as they are stored, with the digests that the configuration names.
    layers: Vec<(Vec<u8>, Digest)>,
    env: Vec<String>,
}

/// The documents of an image, in the order in which they are written: each has the digest of the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::images) enum Document {
    Config,
    Manifest,
    Index,
}

impl Image {
    /// An image of uncompressed layers.
    pub(in crate::images) fn new(layers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let layers = layers.into_iter().map(|layer| (Digest::of(&layer), layer));
        Self { layers: layers.map(|(digest, layer)| (layer, digest)).collect(), env: Vec::new() }
    }

    /// Adds a layer that is stored otherwise than its digest says.
    pub(in crate::images) fn stored(mut self, layer: Vec<u8>, unpacked: &[u8]) -> Self {
        self.layers.push((layer, Digest::of(unpacked)));
        self
    }

    pub(in crate::images) fn env(mut self, variable: impl Into<String>) -> Self {
        self.env.push(variable.into());
        self
    }

    pub(in crate::images) fn write(&self, folder: &Path) {
        self.write_changed(folder, Document::Index, |_| {});
    }

    /// Writes it, one document changed before its digest is known.
    pub(in crate::images) fn write_changed(
        &self,
        folder: &Path,
        changed: Document,
        change: impl Fn(&mut Value),
    ) {
        let change = |document: Document, json: &mut Value| {
            if document == changed {
                change(json);
            }
        };
        let diff_ids: Vec<_> = self.layers.iter().map(|(_, digest)| digest.clone()).collect();
        let mut config = config(&diff_ids);
        config["config"] = json!({ "Env": self.env });
        change(Document::Config, &mut config);
        let layers: Vec<_> = self.layers.iter().map(|(layer, _)| blob(folder, layer)).collect();
        let config = blob(folder, config.to_string().as_bytes());
        let mut manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        change(Document::Manifest, &mut manifest);
        let mut index = json!({ "schemaVersion": 2, "manifests": [named(blob(folder, manifest.to_string().as_bytes()), NAME)] });
        change(Document::Index, &mut index);
        write_index(folder, index.to_string().as_bytes());
    }
}

/// Writes the index of a layout.
pub(in crate::images) fn write_index(folder: &Path, index: &[u8]) {
    fs::create_dir_all(folder.join("blobs/sha256")).expect("a folder");
    fs::write(folder.join("index.json"), index).expect("an index");
}

/// Writes an index with one manifest of these bytes.
pub(in crate::images) fn write_manifest(folder: &Path, manifest: &[u8]) {
    let index = json!({ "manifests": [named(blob(folder, manifest), NAME)] });
    write_index(folder, index.to_string().as_bytes());
}

pub(in crate::images) fn blob(folder: &Path, content: &[u8]) -> Value {
    images::blob(folder, "", content)
}

/// A configuration for this machine.
pub(in crate::images) fn config(diff_ids: &[Digest]) -> Value {
    images::config(&Platform::of_machine().architecture, diff_ids)
}
