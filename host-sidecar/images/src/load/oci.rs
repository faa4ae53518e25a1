//! OCI image layouts. Source: OCI image specification, "Image Layout".

use super::{Content, FoundImage, files::Files};
use crate::{Descriptor, Digest, Document, ImageError, Index, Platform, Reference, Store};

pub(super) const INDEX: &str = "index.json";
/// An annotation with the whole name of an image, by containerd and Docker.
const WHOLE_NAME: &str = "io.containerd.image.name";
/// The standard annotation. Some tools write the tag alone, which names no image.
const NAME: &str = "org.opencontainers.image.ref.name";
/// Indexes in indexes.
const MAX_DEPTH: usize = 3;

/// An image of a layout, for this machine's platform.
#[derive(Debug, Clone)]
pub(super) struct OciImage {
    manifest: Descriptor,
    index: Option<Digest>,
}

/// The images of a layout. Of those with the same name the one for this platform is taken.
pub(super) fn images(files: &Files, index: &[u8]) -> Result<Vec<FoundImage>, ImageError> {
    let Document::Index(index) = Document::parse(index)? else {
        return Err(files.not_loadable(format!("its {INDEX} is no index")));
    };
    let mut names: Vec<Option<Reference>> = Vec::new();
    for entry in &index.manifests {
        let name = name(entry);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let image = |wanted: Option<Reference>| {
        let of_name = index.manifests.iter().filter(|entry| name(entry) == wanted).cloned().collect();
        let (manifest, index) = resolve(files, &Index { manifests: of_name })?;
        Ok(FoundImage {
            names: wanted.into_iter().collect(),
            content: Content::Oci(OciImage { manifest, index }),
        })
    };
    names.into_iter().map(image).collect()
}

fn name(entry: &Descriptor) -> Option<Reference> {
    let standard = entry.annotations.get(NAME).filter(|name| name.contains([':', '/', '@']));
    entry.annotations.get(WHOLE_NAME).or(standard)?.parse().ok()
}

/// The manifest for this platform, and the outermost index that it was chosen from.
fn resolve(files: &Files, outer: &Index) -> Result<(Descriptor, Option<Digest>), ImageError> {
    let machine = Platform::of_machine();
    // Entries of a layout may lack their platform, and be indexes.
    let mut entry = match &*outer.manifests {
        [only] => only.clone(),
        _ => outer.choose(&machine)?.clone(),
    };
    let mut index = None;
    for _ in 0..MAX_DEPTH {
        let content = files.read(&path(&entry.digest))?;
        let content =
            content.ok_or_else(|| files.not_loadable(format!("the manifest {} is missing", entry.digest)))?;
        entry.digest.check(&content)?;
        match Document::parse(&content)? {
            Document::Manifest(_) => return Ok((entry, index)),
            Document::Index(inner) => {
                // A digest in a name may be that of the outermost one.
                index.get_or_insert(entry.digest.clone());
                entry = inner.choose(&machine)?.clone();
            }
        }
    }
    Err(files.not_loadable("its indexes are nested too deeply".into()))
}

impl OciImage {
    pub(super) fn add(&self, store: &Store, files: &Files, names: &[Reference]) -> Result<u64, ImageError> {
        let addition = store.add()?;
        let add = |part: &Descriptor| {
            if addition.has(&part.digest) {
                return Ok(());
            }
            addition.add(part, files.require(&path(&part.digest))?)
        };
        let content = files.read(&path(&self.manifest.digest))?.unwrap_or_default();
        if let Document::Manifest(manifest) = Document::parse(&content)? {
            addition.require_size(&manifest)?;
            add(&self.manifest)?;
            add(&manifest.config)?;
            manifest.layers.iter().try_for_each(add)?;
        }
        addition.finish(&self.manifest.digest, self.index.clone(), names)
    }
}

fn path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}
