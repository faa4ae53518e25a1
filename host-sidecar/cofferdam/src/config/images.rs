//! The settings of images on this machine.

use cofferdam_core::quantity::Bytes;
use cofferdam_images::PullPolicy;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Where images are kept, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageSettings {
    /// The folder of the store. Default: `images` in the user's cache folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Size of the store above which the images are removed that were not used for the longest time.
    pub max_size: Bytes,
    /// Size of one unpacked image.
    pub max_image_size: Bytes,
    /// When an image is pulled from its registry.
    pub pull_policy: PullPolicy,
    /// Hosts that are tried before a registry, by the name of the registry.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// A file of certificates in PEM that are trusted beside those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Registries, with their ports, that are reached without TLS.
    pub insecure_registries: BTreeSet<String>,
    /// The program that unpacks images in a process of its own: `cofferdam`. No setting; without it, this process
    /// unpacks them.
    #[serde(skip)]
    pub unpacker: Option<PathBuf>,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self {
            dir: None,
            max_size: Bytes(50 << 30),
            max_image_size: Bytes(20 << 30),
            pull_policy: PullPolicy::default(),
            mirrors: BTreeMap::new(),
            ca_file: None,
            insecure_registries: BTreeSet::new(),
            unpacker: None,
        }
    }
}
