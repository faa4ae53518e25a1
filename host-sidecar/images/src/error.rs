//! Errors of images.

use crate::{Digest, Platform, Reference};
use cofferdam_core::MalformedImageName;
use std::{borrow::Cow, io};

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The name of an image is malformed.
    #[error(transparent)]
    MalformedReference(#[from] MalformedImageName),
    /// A digest is malformed, or is not SHA-256.
    #[error("`{0}` is not a digest: it has the form sha256: and 64 hexadecimal digits")]
    MalformedDigest(String),
    /// Content is not what its digest promises.
    #[error(
        "content with the digest {expected} was asked for, and content with the digest {received} was received"
    )]
    WrongDigest {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what was received.
        received: Digest,
    },
    /// A manifest, an index or a configuration is malformed.
    #[error("the {document} is not one of OCI or Docker: {problem}")]
    MalformedDocument {
        /// The document.
        document: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is no image for this machine.
    #[error("the image is not for {machine}: it is for {}", .available.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    ForeignPlatform {
        /// The platform of this machine.
        machine: Platform,
        /// The platforms that it is for.
        available: Vec<Platform>,
    },
    /// An archive is malformed, or what it asks for is refused.
    #[error("a layer of the image cannot be unpacked: {0}")]
    Archive(String),
    /// The process that unpacks images has failed.
    #[error("the image cannot be unpacked: the process that does so {0}")]
    Unpacker(String),
    /// There is no space for an image.
    #[error(
        "the image needs at least {} MiB in the store {store}, whose file system has {} MiB; free some space, remove images with `cofferdam image prune --all`, or choose another folder with the setting `images.dir`", .needed.div_ceil(1 << 20), .free >> 20
    )]
    NoSpace {
        /// The folder of the store.
        store: String,
        /// Bytes that the image needs at least.
        needed: u64,
        /// Bytes that were free.
        free: u64,
    },
    /// An image needs more than is allowed.
    #[error("the image has more than {limit} {what}, which is the limit for images")]
    Limit {
        /// What there is too much of.
        what: Cow<'static, str>,
        /// The limit.
        limit: u64,
    },
    /// No program could be started with the variables of an image.
    #[error(
        "no program could be started with the variables (`ENV`) of the image: {0}; build it with smaller ones"
    )]
    Environment(String),
    /// A part of an image is missing or damaged in the store.
    #[error("the store has lost a part of the image, {0}; pull or load the image again")]
    LostPart(Digest),
    /// The store has no such image.
    #[error(
        "there is no image {0} in the store; `cofferdam image list` shows those that there are, and `cofferdam image load FILE` adds one"
    )]
    NotFound(Box<Reference>),
    /// A file has no image that can be loaded.
    #[error("{file} has no image to load: {problem}")]
    NotLoadable {
        /// The file or folder.
        file: String,
        /// What is missing.
        problem: String,
    },
    /// An image cannot be pulled.
    #[error("the image {image} cannot be pulled: {problem}")]
    Pull {
        /// Its name.
        image: String,
        /// What failed, and what to do.
        problem: String,
        /// Whether it may succeed later.
        is_temporary: bool,
    },
    /// A registry does not have an image.
    #[error("the image {0} cannot be pulled: the registry has no such image")]
    NoSuchImage(String),
    /// The store has no room for another image.
    #[error(
        "the store of images would have more than {limit} bytes, and all others in it are in use or being added; try again later, or raise `images.max_size`"
    )]
    StoreFull {
        /// The limit.
        limit: u64,
    },
    /// Another process uses what should be removed.
    #[error("{0} is in use by another process; try again when it has ended")]
    InUse(String),
    /// Another user may control the store.
    #[error(
        "the store of images cannot be trusted, as {path} {problem}; make it a folder to which only this user may write, or choose another one with the setting `images.dir`"
    )]
    UntrustedStore {
        /// The folder.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Programs of an image could not be executed from the store.
    #[error(
        "the store {0} is on a file system that is mounted noexec, so no program of an image could be executed; choose another folder with the setting `images.dir`"
    )]
    NoExec(String),
    /// The store cannot be read or written.
    #[error("cannot {action}: {source}{}", if is_full(.source) { "; free some space, or remove images with `cofferdam image prune`" } else { "" })]
    Io {
        /// What failed.
        action: String,
        /// The reason.
        source: io::Error,
    },
}

impl ImageError {
    /// What an entry of an archive asks for is refused.
    pub(crate) fn archive_entry(path: &[u8], problem: &str) -> Self {
        let path: String = String::from_utf8_lossy(path).chars().take(200).collect();
        Self::Archive(format!("{path:?}: {problem}"))
    }

    /// For `map_err`: an action with a file that failed.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        |source| Self::Io { action, source }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
