//! Builds OCI layouts.

use super::{
    archive,
    layer::{Compression, Layer},
};
use cofferdam::images::{Digest, Platform};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Writes a part of an image into a layout, and gives its descriptor.
///
/// # Panics
///
/// It cannot be written.
#[must_use]
pub fn blob(folder: &Path, media_type: &str, content: &[u8]) -> Value {
    let (digest, blobs) = (Digest::of(content), folder.join("blobs/sha256"));
    fs::create_dir_all(&blobs).expect("a folder");
    fs::write(blobs.join(digest.hex()), content).expect("a blob");
    json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
}

/// The descriptor of an image with a name.
#[must_use]
pub fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    descriptor
}

/// A configuration of an image for a processor, with the digests of what its layers unpack to.
#[must_use]
pub fn config(architecture: &str, diff_ids: &[Digest]) -> Value {
    json!({
        "os": "linux",
        "architecture": architecture,
        "created": "2020-02-02T02:02:02Z",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

/// A layout with one image.
pub struct Layout {
    layers: Vec<Layer>,
    architecture: String,
    config: Value,
    media_types: MediaTypes,
    is_index: bool,
}

/// Whose media types the documents of an image have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaTypes {
    /// OCI's.
    #[default]
    Oci,
    /// Docker's, of schema 2.
    Docker,
}

impl MediaTypes {
    pub(super) const fn manifest(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    const fn index(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.index.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    const fn config(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.config.v1+json",
            Self::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }

    const fn layer(self, compression: Compression) -> &'static str {
        match (self, compression) {
            (Self::Oci, Compression::None) => "application/vnd.oci.image.layer.v1.tar",
            (Self::Oci, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Self::Oci, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Self::Docker, Compression::None) => "application/vnd.docker.image.rootfs.diff.tar",
            (Self::Docker, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (Self::Docker, Compression::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        }
    }
}

impl Layout {
    /// An image of these layers for this machine.
    #[must_use]
    pub fn new(layers: Vec<Layer>) -> Self {
        let architecture = Platform::of_machine().architecture;
        Self { layers, architecture, config: json!({}), media_types: MediaTypes::default(), is_index: false }
    }

    /// Sets the variables.
    #[must_use]
    pub fn env(mut self, variables: &[&str]) -> Self {
        self.config["Env"] = json!(variables);
        self
    }

    /// Sets a member of the configuration, such as `User`.
    #[must_use]
    pub fn config(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.config[name] = value.into();
        self
    }

    /// Sets the architecture.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    /// Sets the media types.
    #[must_use]
    pub fn media_types(mut self, media_types: MediaTypes) -> Self {
        self.media_types = media_types;
        self
    }

    /// Makes an index for several platforms, with an attestation as BuildKit adds it.
    #[must_use]
    pub fn index(mut self) -> Self {
        self.is_index = true;
        self
    }

    /// Writes the layout into a new folder.
    ///
    /// # Panics
    ///
    /// It cannot be written.
    pub fn write(&self, folder: &Path, name: &str) {
        let _ = fs::remove_dir_all(folder);
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a folder");
        let blob =
            |media_type: &str, content: &Value| blob(folder, media_type, content.to_string().as_bytes());
        let layers: Vec<_> = self.layers.iter().map(|layer| layer.write(&blobs)).collect();
        let descriptors: Vec<_> = layers
            .iter()
            .map(|layer| {
                let media_type = self.media_types.layer(layer.compression);
                json!({ "mediaType": media_type, "digest": layer.digest, "size": layer.size })
            })
            .collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let manifest = |architecture: &str| {
            let mut config = config(architecture, &diff_ids);
            config["config"] = self.config.clone();
            let media_type = self.media_types.manifest();
            let config = blob(self.media_types.config(), &config);
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": media_type,
                "layers": descriptors,
                "config": config,
            });
            let mut manifest = blob(media_type, &manifest);
            manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
            manifest
        };
        let mut image = manifest(&self.architecture);
        if self.is_index {
            let mut attestation = manifest("unknown");
            attestation["platform"]["os"] = "unknown".into();
            attestation["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest" });
            let media_type = self.media_types.index();
            let manifests = [attestation, manifest("s390x"), image];
            let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
            image = blob(media_type, &index);
        }
        let index = json!({ "schemaVersion": 2, "manifests": [named(image, name)] });
        fs::write(folder.join("index.json"), index.to_string()).expect("an index");
        let version = json!({ "imageLayoutVersion": "1.0.0" });
        fs::write(folder.join("oci-layout"), version.to_string()).expect("a file");
    }

    /// Writes the image as an archive of `docker save`, as Docker wrote it up to version 24, or as it writes it since
    /// then, which is an OCI layout too.
    ///
    /// # Panics
    ///
    /// It cannot be written.
    pub fn save(&self, folder: &Path, name: &str, with_layout: bool, file: &Path) {
        self.write(folder, name);
        archive::save(folder, name, with_layout, file);
    }
}
