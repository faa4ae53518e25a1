//! The settings of images on this machine.

use cofferdam_core::{InvalidSetting, quantity::Bytes};
use cofferdam_images::PullPolicy;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Each pull has a thread.
const MAX_PULLS: u32 = 100;

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
    /// Registries and the hosts that they refer to, with their ports, whose addresses may be private when a request
    /// chooses the image.
    pub private_registries: BTreeSet<String>,
    /// Maximum number of images that are being pulled because requests have chosen them.
    pub max_pulls: u32,
    /// The same for one tenant.
    pub max_tenant_pulls: u32,
}

impl ImageSettings {
    /// Checks the values.
    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        if self.dir.as_ref().is_some_and(|dir| dir.is_relative()) {
            return Err(InvalidSetting::new(
                "images.dir",
                "is not an absolute path (`~` has no meaning in it)",
            ));
        }
        for (setting, value) in
            [("images.max_pulls", self.max_pulls), ("images.max_tenant_pulls", self.max_tenant_pulls)]
        {
            if !(1..=MAX_PULLS).contains(&value) {
                return Err(InvalidSetting::new(setting, format!("is not between 1 and {MAX_PULLS}")));
            }
        }
        Ok(())
    }
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
            private_registries: BTreeSet::new(),
            max_pulls: 4,
            max_tenant_pulls: 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_store_is_absolute() {
        for (dir, is_valid) in [("/var/images", true), ("~/images", false), ("images", false)] {
            let settings = ImageSettings { dir: Some(dir.into()), ..ImageSettings::default() };
            assert_eq!(settings.validate().is_ok(), is_valid, "{dir}");
        }
    }
}
