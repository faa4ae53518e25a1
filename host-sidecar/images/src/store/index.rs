//! The images of a store and their names, in one small file: a run reads it each time.

use super::blobs::TemporaryFile;
use crate::{DEFAULT_IMAGE, Digest, ImageError, Platform, Reference};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The images of a store and their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// The manifest that each name is for.
    pub names: BTreeMap<Reference, Digest>,
    /// The images, by the digests of their manifests.
    pub images: BTreeMap<Digest, ImageRecord>,
}

/// What a run needs to know about an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The index that it was chosen from, for each name that had one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<Reference, Digest>,
    /// What it is for.
    pub platform: Platform,
    /// When it was built, in the words of its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Bytes of its root file system.
    pub size: u64,
    /// Its variables.
    pub env: BTreeMap<String, String>,
}

impl Images {
    /// The image of a name. A digest is that of a manifest, or of the index that the manifest was chosen from for a
    /// name of the same repository.
    #[must_use]
    pub fn find(&self, reference: &Reference) -> Option<(&Digest, &ImageRecord)> {
        let manifest = self.names.get(reference).or_else(|| self.of_digest(reference))?;
        self.images.get_key_value(manifest)
    }

    /// The manifest of a name with a digest that no image was given.
    fn of_digest(&self, reference: &Reference) -> Option<&Digest> {
        let digest = reference.digest()?;
        let mut of_repository = self.names.iter().filter(|(name, _)| name.name() == reference.name());
        let is_digest = |(name, manifest): &(&Reference, &Digest)| {
            let index = self.images.get(*manifest).and_then(|record| record.indexes.get(*name));
            *manifest == digest || index == Some(digest)
        };
        of_repository.find(is_digest).map(|(_, manifest)| manifest)
    }

    /// Adds an image and its names. The indexes that it was chosen from before stay known.
    pub(super) fn add(&mut self, manifest: &Digest, mut record: ImageRecord, names: &[Reference]) {
        if let Some(mut before) = self.images.remove(manifest) {
            before.indexes.append(&mut record.indexes);
            record.indexes = before.indexes;
        }
        self.images.insert(manifest.clone(), record);
        self.names.extend(names.iter().map(|name| (name.clone(), manifest.clone())));
    }

    /// The default image.
    #[must_use]
    pub fn default_image(&self) -> Option<(&Digest, &ImageRecord)> {
        self.find(&DEFAULT_IMAGE.parse().ok()?)
    }
}

/// The file.
pub(super) struct IndexFile<'a> {
    dir: &'a Path,
}

impl<'a> IndexFile<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    pub(super) fn exists(&self) -> bool {
        self.path().exists()
    }

    /// What it has; nothing if there is none.
    pub(super) fn read(&self) -> Result<Images, ImageError> {
        let path = self.path();
        match fs::read(&path) {
            Ok(content) => serde_json::from_slice(&content).map_err(|error| {
                let advice = "remove the file, and pull or load the images again";
                let error = io::Error::new(io::ErrorKind::InvalidData, format!("{error}; {advice}"));
                ImageError::io(format!("read {}", path.display()))(error)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Images::default()),
            Err(error) => Err(ImageError::io(format!("read {}", path.display()))(error)),
        }
    }

    /// Changes it. Other changes wait. What stays the same is not written: the disk may be full.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Images) -> T) -> Result<T, ImageError> {
        let path = self.dir.join("index.lock");
        let failed = || ImageError::io(format!("lock {}", path.display()));
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed())?;
        lock.lock().map_err(failed())?;
        let before = self.read()?;
        let mut images = before.clone();
        let result = change(&mut images);
        if images == before {
            return Ok(result);
        }
        let content = serde_json::to_vec_pretty(&images).map_err(io::Error::from);
        let mut temporary = TemporaryFile::create(&self.dir.join("tmp"))?;
        content
            .and_then(|content| temporary.file.write_all(&content))
            .map_err(ImageError::io("write the index of the store"))?;
        temporary.persist(&self.path())?;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tests::TestDir;

    #[test]
    fn an_index_that_is_damaged_says_what_to_do() {
        let dir = TestDir::new();
        let store = dir.store();
        fs::write(dir.0.join("store/index.json"), "{").expect("an index");
        let error = store.images().expect_err("damaged").to_string();
        assert!(error.contains("index.json") && error.ends_with("pull or load the images again"), "{error}");
    }
}
