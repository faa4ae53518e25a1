//! Loads images from files: an OCI layout, as a folder or an archive, and the archive of `docker save`.

mod docker;
mod files;
mod oci;

use crate::{ImageError, Reference, Store};
use files::Files;
use std::path::Path;

/// Loads the images of a file or folder, and returns their names. One image may be given a name. Of
/// several images, those without a name in the file are not loaded.
///
/// # Errors
///
/// There is no image in it for this machine, or an image is malformed, hostile or too large, or cannot be
/// written.
pub fn load(store: &Store, path: &Path, name: Option<&Reference>) -> Result<Vec<Reference>, ImageError> {
    let files = Files::open(path)?;
    let found = if let Some(index) = files.read(oci::INDEX)? {
        oci::images(&files, &index)?
    } else if let Some(list) = files.read(docker::MANIFEST)? {
        docker::images(&list)?
    } else {
        let problem = format!("it has neither {} nor {}", oci::INDEX, docker::MANIFEST);
        return Err(files.not_loadable(problem));
    };
    let found = match (&*found, name) {
        ([], _) => return Err(files.not_loadable("it is empty".into())),
        ([one], Some(name)) => vec![(one.with_name(name.clone()))],
        (_, Some(_)) => {
            return Err(files.not_loadable("it has several images, and one name was given".into()));
        }
        (_, None) => found,
    };
    if found.iter().all(|image| image.names.is_empty()) {
        return Err(files.not_loadable("it names no image; give it a name with --name NAME".into()));
    }
    let mut names = Vec::new();
    for image in found.into_iter().filter(|image| !image.names.is_empty()) {
        image.content.add(store, &files, &image.names)?;
        names.extend(image.names);
    }
    Ok(names)
}

/// An image of a file.
#[derive(Debug, Clone)]
struct FoundImage {
    names: Vec<Reference>,
    content: Content,
}

/// What an image consists of.
#[derive(Debug, Clone)]
enum Content {
    Oci(oci::OciImage),
    Docker(docker::DockerImage),
}

impl FoundImage {
    fn with_name(&self, name: Reference) -> Self {
        Self { names: vec![name], content: self.content.clone() }
    }
}

impl Content {
    fn add(&self, store: &Store, files: &Files, names: &[Reference]) -> Result<(), ImageError> {
        match self {
            Self::Oci(image) => image.add(store, files, names),
            Self::Docker(image) => image.add(store, files, names),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
