//! The archive of `docker save`. Source: Docker image specification 1.2, "Combined Image JSON + Filesystem
//! Changeset Format".

use super::{Content, FoundImage, files::Files};
use crate::{Descriptor, Digest, ImageConfig, ImageError, Manifest, Platform, Reference, Store};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read};

pub(super) const MANIFEST: &str = "manifest.json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
/// Layers of an image.
const MAX_LAYERS: usize = 512;

/// An image of the archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    config: String,
    layers: Vec<String>,
    repo_tags: Option<Vec<String>>,
}

/// The images of the archive.
pub(super) fn images(list: &[u8]) -> Result<Vec<FoundImage>, ImageError> {
    let images: Vec<DockerImage> = serde_json::from_slice(list).map_err(|error| {
        ImageError::MalformedDocument { document: "list of images", problem: error.to_string() }
    })?;
    let found = images.into_iter().map(|image| FoundImage {
        // Old versions of Docker write `<none>:<none>` for an image without a name.
        names: image.repo_tags.iter().flatten().filter_map(|tag| tag.parse().ok()).collect(),
        content: Content::Docker(image),
    });
    Ok(found.collect())
}

impl DockerImage {
    /// Adds the image with a manifest: the archive has none.
    pub(super) fn add(&self, store: &Store, files: &Files, names: &[Reference]) -> Result<u64, ImageError> {
        if self.layers.len() > MAX_LAYERS {
            return Err(files.not_loadable(format!("it has more than {MAX_LAYERS} layers")));
        }
        let config = files.read(&self.config)?;
        let config = config.ok_or_else(|| files.not_loadable(format!("{:?} is missing", self.config)))?;
        ImageConfig::parse(&config)?.require(&Platform::of_machine())?;
        let addition = store.add()?;
        let add = |media_type: &str, content: &mut dyn Read| -> Result<Descriptor, ImageError> {
            let (digest, size) = addition.add_content(content)?;
            Ok(Descriptor {
                media_type: media_type.to_owned(),
                digest,
                size,
                platform: None,
                annotations: BTreeMap::new(),
            })
        };
        let config = add(CONFIG_TYPE, &mut &*config)?;
        let layers = self.layers.iter().map(|layer| add(LAYER_TYPE, &mut files.require(layer)?));
        let manifest = Manifest { config, layers: layers.collect::<Result<_, _>>()? };
        let manifest = serde_json::to_vec(&manifest)
            .map_err(|error| ImageError::io("write the manifest of the image")(error.into()))?;
        let digest = Digest::of(&manifest);
        addition.add_content(&*manifest)?;
        addition.finish(&digest, None, names)
    }
}
