//! Names of images with a digest that the store can have.

use crate::{Digest, ImageError};
use cofferdam_core::ImageName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The name of an image with all of its parts: `python` is `docker.io/library/python:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    name: ImageName,
    digest: Option<Digest>,
}

impl Reference {
    /// The name.
    #[must_use]
    pub fn image_name(&self) -> &ImageName {
        &self.name
    }

    /// The host of the registry, with its port if it has one.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.name.registry()
    }

    /// The path of the repository in its registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        self.name.repository()
    }

    /// The tag; none in a name that has only a digest.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.name.tag()
    }

    /// The digest of the manifest or index.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry(), self.repository())
    }
}

impl FromStr for Reference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let name: ImageName = text.parse()?;
        let digest = name.digest().map(str::parse).transpose()?;
        Ok(Self { name, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(formatter)
    }
}

impl TryFrom<String> for Reference {
    type Error = ImageError;

    fn try_from(text: String) -> Result<Self, ImageError> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sha256() {
        let text = format!("python@sha256:{}", "a1".repeat(32));
        let reference: Reference = text.parse().expect("a reference");
        assert_eq!(reference.to_string(), format!("docker.io/library/{text}"));
        assert_eq!(reference.digest().map(ToString::to_string), text.split('@').nth(1).map(Into::into));
        for text in ["no name".into(), format!("python@sha512:{}", "a1".repeat(64))] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
