//! Manifests, indexes and configurations of images. Sources: OCI image specification; Docker image manifest
//! version 2, schema 2.

use crate::{Digest, ImageError, Platform, environment::variables};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Bytes of a manifest or an index, as registries limit them.
const MAX_DOCUMENT: usize = 4 << 20;
/// Layers of an image. Docker builds up to 127.
const MAX_LAYERS: usize = 512;
const MAX_MANIFESTS: usize = 1024;

/// What a registry or an archive has: its type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type.
    #[serde(default)]
    pub media_type: String,
    /// The digest of the content.
    pub digest: Digest,
    /// Bytes of the content.
    pub size: u64,
    /// In an index: what the image is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations, such as the name of an image in a layout.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The parts of an image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
}

/// One image for several platforms, or the images of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The manifests, or further indexes.
    pub manifests: Vec<Descriptor>,
}

/// A manifest or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An image for one platform.
    Manifest(Manifest),
    /// An image for several.
    Index(Index),
}

/// The configuration of an image, as far as it applies to a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// What the image is for.
    #[serde(flatten)]
    pub platform: Platform,
    /// When the image was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The digests of the unpacked layers.
    pub rootfs: Layers,
    #[serde(default, deserialize_with = "null_as_default")]
    config: Execution,
}

/// The layers that a configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// The digest of each uncompressed layer, the lowest first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub diff_ids: Vec<Digest>,
}

/// User, entry point and working directory do not apply: a program has our own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Execution {
    #[serde(rename = "Env", default, deserialize_with = "null_as_default")]
    env: Vec<String>,
}

impl Document {
    /// Parses a manifest or an index.
    ///
    /// # Errors
    ///
    /// [`ImageError::MalformedDocument`], also for a document that is both, which programs would read
    /// differently (CVE-2021-41190), and for the obsolete schema 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        const NAME: &str = "manifest";
        let fields: BTreeMap<String, serde_json::Value> = parse(NAME, bytes)?;
        let malformed =
            |problem: &str| ImageError::MalformedDocument { document: NAME, problem: problem.into() };
        let has = |field| fields.contains_key(field);
        match (has("layers") || has("config"), has("manifests")) {
            (true, true) => Err(malformed("it is both a manifest and an index")),
            (true, false) => {
                let manifest: Manifest = parse(NAME, bytes)?;
                if manifest.layers.len() > MAX_LAYERS {
                    return Err(malformed(&format!("it has more than {MAX_LAYERS} layers")));
                }
                match manifest.layers.iter().find(|layer| !is_layer(&layer.media_type)) {
                    Some(layer) => {
                        let kind: String = layer.media_type.chars().take(100).collect();
                        Err(malformed(&format!("a layer of type `{kind}` is no part of a root file system")))
                    }
                    None => Ok(Self::Manifest(manifest)),
                }
            }
            (false, true) => {
                let index: Index = parse(NAME, bytes)?;
                if index.manifests.len() > MAX_MANIFESTS {
                    return Err(malformed(&format!("it has more than {MAX_MANIFESTS} manifests")));
                }
                Ok(Self::Index(index))
            }
            (false, false) if has("fsLayers") => Err(malformed("it has Docker's obsolete schema 1")),
            (false, false) => Err(malformed("it has neither layers nor manifests")),
        }
    }
}

impl Index {
    /// The manifest for a platform. An entry without a platform is taken if there is no other.
    ///
    /// # Errors
    ///
    /// [`ImageError::ForeignPlatform`], with the platforms that there are.
    pub fn choose(&self, machine: &Platform) -> Result<&Descriptor, ImageError> {
        let named = self.manifests.iter().find(|m| m.platform.as_ref().is_some_and(|p| machine.runs(p)));
        let only = match &*self.manifests {
            [only] if only.platform.is_none() => Some(only),
            _ => None,
        };
        named.or(only).ok_or_else(|| {
            let platforms = self.manifests.iter().filter_map(|manifest| manifest.platform.clone());
            // Those of attestations are `unknown/unknown`.
            let available = platforms.filter(|platform| platform.os != "unknown").collect();
            ImageError::ForeignPlatform { machine: machine.clone(), available }
        })
    }
}

impl ImageConfig {
    /// Parses a configuration.
    ///
    /// # Errors
    ///
    /// [`ImageError::MalformedDocument`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        parse("configuration", bytes)
    }

    /// Fails if programs of this image do not run on a platform.
    ///
    /// # Errors
    ///
    /// [`ImageError::ForeignPlatform`].
    pub fn require(&self, machine: &Platform) -> Result<(), ImageError> {
        if machine.runs(&self.platform) {
            return Ok(());
        }
        let available = vec![self.platform.clone()];
        Err(ImageError::ForeignPlatform { machine: machine.clone(), available })
    }

    /// The variables of the image. A later one replaces an earlier one of the same name.
    ///
    /// # Errors
    ///
    /// [`ImageError::Environment`]: no program could be started with them.
    pub fn env(&self) -> Result<BTreeMap<String, String>, ImageError> {
        variables(&self.config.env)
    }
}

/// Whether a layer of this type is a tar archive, compressed or not. An empty type is that of an old archive.
fn is_layer(media_type: &str) -> bool {
    let base =
        media_type.strip_suffix("+gzip").or_else(|| media_type.strip_suffix("+zstd")).unwrap_or(media_type);
    let base = base.strip_suffix(".gzip").or_else(|| base.strip_suffix(".zstd")).unwrap_or(base);
    matches!(
        base,
        "" | "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar"
    )
}

fn parse<T: DeserializeOwned>(document: &'static str, bytes: &[u8]) -> Result<T, ImageError> {
    let malformed = |problem| ImageError::MalformedDocument { document, problem };
    if bytes.len() > MAX_DOCUMENT {
        return Err(malformed(format!("it has more than {MAX_DOCUMENT} bytes")));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))
}

/// Go writes an empty list or map as `null`.
fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn descriptor(media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": Digest::of(b"a"), "size": 1 })
    }

    fn parsed(value: &Value) -> Result<Document, ImageError> {
        Document::parse(value.to_string().as_bytes())
    }

    fn problem(value: &Value) -> String {
        parsed(value).expect_err("refused").to_string()
    }

    #[test]
    fn manifests_of_oci_and_docker_are_read() {
        for layer in [
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.layer.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ] {
            let manifest =
                json!({ "schemaVersion": 2, "config": descriptor("c"), "layers": [descriptor(layer)] });
            assert!(matches!(parsed(&manifest), Ok(Document::Manifest(_))), "{layer}");
        }
    }

    #[test]
    fn what_is_not_an_image_is_refused() {
        let config = descriptor("c");
        let wasm = json!({ "config": config, "layers": [descriptor("application/wasm")] });
        assert!(problem(&wasm).contains("`application/wasm`"));
        let both = json!({ "config": config, "layers": [], "manifests": [] });
        assert!(problem(&both).contains("both"));
        assert!(problem(&json!({ "fsLayers": [] })).contains("schema 1"));
        assert!(problem(&json!({})).contains("neither"));
        let many = json!({ "config": config, "layers": vec![descriptor(""); MAX_LAYERS + 1] });
        assert!(problem(&many).contains("512 layers"));
        assert!(Document::parse(b"[").is_err());
    }

    #[test]
    fn the_manifest_of_the_machines_platform_is_chosen() {
        let entry = |os: &str, architecture: &str| {
            let mut entry = descriptor("m");
            entry["platform"] = json!({ "os": os, "architecture": architecture });
            entry
        };
        let amd = Platform { os: "linux".into(), architecture: "amd64".into(), variant: None };
        let parse = |manifests: &[Value]| match parsed(&json!({ "manifests": manifests })) {
            Ok(Document::Index(index)) => index,
            other => panic!("{other:?}"),
        };
        let index = parse(&[entry("unknown", "unknown"), entry("linux", "arm64"), entry("linux", "amd64")]);
        assert_eq!(index.choose(&amd).expect("a manifest"), &index.manifests[2]);
        let foreign = parse(&[entry("unknown", "unknown"), entry("linux", "arm64"), entry("linux", "s390x")]);
        let error = foreign.choose(&amd).expect_err("none").to_string();
        assert_eq!(error, "the image is not for linux/amd64: it is for linux/arm64, linux/s390x");
        assert!(parse(&[descriptor("m")]).choose(&amd).is_ok());
        assert!(parse(&[descriptor("m"), descriptor("m")]).choose(&amd).is_err());
    }

    #[test]
    fn variables_and_layers_may_be_missing_or_null() {
        let base = json!({ "os": "linux", "architecture": "amd64", "rootfs": { "type": "layers", "diff_ids": null } });
        let config = |more: Value| {
            let mut value = base.clone();
            value["config"] = more;
            ImageConfig::parse(value.to_string().as_bytes())
                .expect("a configuration")
                .env()
                .expect("variables")
        };
        assert!(config(Value::Null).is_empty());
        assert!(config(json!({ "Env": null, "User": "app" })).is_empty());
        assert_eq!(config(json!({ "Env": ["A=1"] })), [("A".to_owned(), "1".to_owned())].into());
    }
}
