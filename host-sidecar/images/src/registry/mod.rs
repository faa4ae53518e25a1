//! Pulls images from registries. Source: OCI distribution specification, "Pull".

mod address;
mod auth;
mod credential_helper;
mod credentials;
mod http;
mod repository;
mod retry;

use crate::{Descriptor, Document, ImageError, Platform, Reference, Store};
use repository::Repository;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    path::PathBuf,
};

/// Indexes in indexes.
const MAX_DEPTH: usize = 3;

/// How registries are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Hosts, with their ports, that are tried before a registry, by the name of the registry.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// A file of certificates in PEM that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Hosts, with their ports, that are reached without TLS. All others need it.
    pub insecure_hosts: BTreeSet<String>,
    /// Hosts, with their ports, that may have addresses that are not public, also if a request has named them. Mirrors
    /// and the hosts without TLS may too.
    pub private_hosts: BTreeSet<String>,
}

impl RegistryConfig {
    /// The hosts that the operator has named.
    fn named_hosts(&self) -> BTreeSet<String> {
        let mirrors = self.mirrors.values().flatten();
        mirrors.chain(&self.insecure_hosts).chain(&self.private_hosts).cloned().collect()
    }
}

/// When an image is pulled. Source: Kubernetes, `imagePullPolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// At each use of a tag: what the tag stands for may have changed.
    Always,
    /// If it is not in the store.
    #[default]
    IfNotPresent,
    /// Not at all.
    Never,
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The number of the layer, from 1.
    pub layer: usize,
    /// The number of layers.
    pub layers: usize,
    /// Bytes of the layer that have arrived.
    pub received: u64,
    /// Bytes of the layer.
    pub size: u64,
}

/// Pulls an image, and gives it its name. Parts that are in the store are not fetched. Blocks.
///
/// # Errors
///
/// [`ImageError::Pull`], and those of images that are malformed, hostile, too large or for another platform.
pub fn pull(
    store: &Store,
    config: &RegistryConfig,
    reference: &Reference,
    progress: &dyn Fn(Progress),
) -> Result<(), ImageError> {
    Pull { store, config, reference, progress, may_share: None }.pull()
}

/// The same for somebody who is not trusted, such as a client of a sidecar. Only hosts that the settings name may have
/// addresses that are not public. A part that is in the store is fetched all the same, unless an image has it whose
/// name `may_share` accepts: who knows its digest alone does not get it. Others do not wait for this pull.
///
/// # Errors
///
/// Those of [`pull`], and [`ImageError::StoreFull`].
pub fn pull_untrusted(
    store: &Store,
    config: &RegistryConfig,
    reference: &Reference,
    may_share: &dyn Fn(&Reference) -> bool,
) -> Result<(), ImageError> {
    Pull { store, config, reference, progress: &|_| (), may_share: Some(may_share) }.pull()
}

struct Pull<'a> {
    store: &'a Store,
    config: &'a RegistryConfig,
    reference: &'a Reference,
    progress: &'a dyn Fn(Progress),
    /// For whom it is: none for the operator.
    may_share: Option<&'a dyn Fn(&Reference) -> bool>,
}

impl Pull<'_> {
    fn pull(&self) -> Result<(), ImageError> {
        let mirrors = self.config.mirrors.get(self.reference.registry()).into_iter().flatten();
        let mut of_mirrors = String::new();
        for mirror in mirrors {
            // Whatever a mirror lacks, the registry may have.
            match self.pull_from(mirror) {
                Ok(()) => return Ok(()),
                Err(ImageError::Pull { problem, .. }) => {
                    of_mirrors += &format!("; from its mirror {mirror}: {problem}")
                }
                Err(ImageError::NoSuchImage(_)) => {
                    of_mirrors += &format!("; its mirror {mirror} has no such image")
                }
                Err(error) => of_mirrors += &format!("; from its mirror {mirror}: {error}"),
            }
        }
        self.pull_from(self.reference.registry()).map_err(|error| self.explain(error, &of_mirrors))
    }

    /// Names the image, and says what its mirrors have answered.
    fn explain(&self, error: ImageError, of_mirrors: &str) -> ImageError {
        let image = self.reference.to_string();
        match error {
            ImageError::Pull { image, problem, is_temporary } => {
                ImageError::Pull { image, problem: problem + of_mirrors, is_temporary }
            }
            ImageError::NoSuchImage(_) if !of_mirrors.is_empty() => {
                let problem = format!("the registry has no such image{of_mirrors}");
                ImageError::Pull { image, problem, is_temporary: true }
            }
            ImageError::WrongDigest { .. } | ImageError::MalformedDocument { .. } => {
                ImageError::Pull { image, problem: format!("{error}{of_mirrors}"), is_temporary: true }
            }
            _ => error,
        }
    }

    fn pull_from(&self, host: &str) -> Result<(), ImageError> {
        let reference = self.reference;
        let mut repository = Repository::new(host, self.config, reference, self.may_share.is_some())?;
        let addition = match self.may_share {
            Some(may_share) => self.store.add_untrusted(may_share)?,
            None => self.store.add()?,
        };
        let wanted = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or_default().to_owned(),
        };
        let (mut descriptor, mut content) = repository.manifest(&wanted)?;
        if let Some(digest) = reference.digest() {
            digest.require(&descriptor.digest)?;
        }
        let mut index = None;
        for _ in 0..MAX_DEPTH {
            match Document::parse(&content)? {
                Document::Index(inner) => {
                    // A digest in the name is that of the outermost one.
                    index.get_or_insert(descriptor.digest.clone());
                    let chosen = inner.choose(&Platform::of_machine())?.digest.clone();
                    (descriptor, content) = repository.manifest(&chosen.to_string())?;
                    chosen.require(&descriptor.digest)?;
                }
                Document::Manifest(manifest) => {
                    addition.require_size(&manifest)?;
                    addition.add(&descriptor, &*content)?;
                    addition.add_fetched(&manifest.config, || repository.blob(&manifest.config.digest))?;
                    let layers = manifest.layers.len();
                    for (layer, part) in (1..).zip(&manifest.layers) {
                        let shown = |received| {
                            (self.progress)(Progress { layer, layers, received, size: part.size });
                        };
                        addition.add_fetched(part, || {
                            Ok(Shown { inner: repository.blob(&part.digest)?, received: 0, show: shown })
                        })?;
                    }
                    addition.finish(&descriptor.digest, index, std::slice::from_ref(reference))?;
                    return Ok(());
                }
            }
        }
        let problem = "its indexes are nested too deeply".into();
        Err(ImageError::Pull { image: reference.to_string(), problem, is_temporary: false })
    }
}

/// Shows how much was read.
struct Shown<R, F> {
    inner: R,
    received: u64,
    show: F,
}

impl<R: Read, F: Fn(u64)> Read for Shown<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.received += count as u64;
        (self.show)(self.received);
        Ok(count)
    }
}

/// A descriptor of a document whose digest was computed.
fn described(media_type: String, digest: crate::Digest, size: u64) -> Descriptor {
    Descriptor { media_type, digest, size, platform: None, annotations: BTreeMap::new() }
}
