//! Loads images from files: an OCI layout, as a folder or an archive, and the archive of `docker save`.

mod docker;
mod files;
mod oci;

use crate::{ImageError, Reference, Store};
use files::Files;
use std::path::Path;

/// Images of a file. Each has a root file system of its own, also where they share all layers.
const MAX_IMAGES: usize = 100;

/// Loads the images of a file or folder, and returns their names. One image may be given a name. Of
/// several images, those without a name in the file are not loaded. All together may unpack to as much as one image.
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
    if found.len() > MAX_IMAGES {
        return Err(files.not_loadable(format!("it has more than {MAX_IMAGES} images")));
    }
    let (mut names, mut store) = (Vec::new(), store.clone());
    for image in found.into_iter().filter(|image| !image.names.is_empty()) {
        let added = image.content.add(&store, &files, &image.names);
        let size = added.map_err(|error| match error {
            ImageError::Limit { what, .. } if !names.is_empty() && what == "bytes" => {
                let problem =
                    "its images together have more bytes than one may have; those before it are loaded";
                files.not_loadable(format!("{problem}: load {} from a file of its own", shown(&image.names)))
            }
            error => error,
        })?;
        store = store.with_less(size);
        names.extend(image.names);
    }
    Ok(names)
}

fn shown(names: &[Reference]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
    fn add(&self, store: &Store, files: &Files, names: &[Reference]) -> Result<u64, ImageError> {
        match self {
            Self::Oci(image) => image.add(store, files, names),
            Self::Docker(image) => image.add(store, files, names),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
