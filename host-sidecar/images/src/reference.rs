//! Names of images. Source: github.com/distribution/reference, `reference.go` and `normalize.go`.

use crate::{Digest, ImageError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const DEFAULT_REGISTRY: &str = "docker.io";
/// Another name of the default registry.
const LEGACY_DEFAULT_REGISTRY: &str = "index.docker.io";
/// The first part of the default registry's repositories that have only one.
const OFFICIAL: &str = "library";
const DEFAULT_TAG: &str = "latest";
/// Bytes of registry and repository together.
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// The name of an image with all of its parts: `python` is `docker.io/library/python:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The host of the registry, with its port if it has one.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path of the repository in its registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; none in a name that has only a digest.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest or index.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl FromStr for Reference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        parse(text).ok_or_else(|| ImageError::MalformedReference(text.chars().take(MAX_NAME).collect()))
    }
}

fn parse(text: &str) -> Option<Reference> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.parse().ok()?)),
        None => (text, None),
    };
    let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest.get(after_slash..)?.find(':') {
        Some(at) => (rest.get(..after_slash + at)?, rest.get(after_slash + at + 1..)),
        None => (rest, None),
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path),
        _ => (DEFAULT_REGISTRY, name),
    };
    let registry = if registry == LEGACY_DEFAULT_REGISTRY { DEFAULT_REGISTRY } else { registry };
    let is_official = registry == DEFAULT_REGISTRY && !path.contains('/');
    let repository = if is_official { format!("{OFFICIAL}/{path}") } else { path.to_owned() };
    let is_valid = is_host(registry)
        && repository.split('/').all(is_component)
        && registry.len() + 1 + repository.len() <= MAX_NAME
        && tag.is_none_or(is_tag);
    let tag = tag.or(digest.is_none().then_some(DEFAULT_TAG)).map(ToOwned::to_owned);
    is_valid.then(|| Reference { registry: registry.to_owned(), repository, tag, digest })
}

/// Whether the first part of a name is a registry, and not a part of the path.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase())
}

/// A domain name, an IPv4 address or an IPv6 address in brackets, and a port.
fn is_host(text: &str) -> bool {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.strip_prefix(':');
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && (text.ends_with(']') || port.is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Lower-case letters and digits with a dot, one or two underscores or any number of hyphens between them.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(alphanumeric) && text.ends_with(alphanumeric);
    let mut separators = text.split(alphanumeric).filter(|separator| !separator.is_empty());
    ends && separators
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= MAX_TAG && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(formatter, "@{digest}"),
            None => Ok(()),
        }
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

    fn canonical(text: &str) -> Option<String> {
        text.parse::<Reference>().ok().map(|reference| reference.to_string())
    }

    #[test]
    fn the_parts_that_a_name_lacks_are_dockers_defaults() {
        let digest = format!("sha256:{}", "a1".repeat(32));
        for (text, expected) in [
            ("python", "docker.io/library/python:latest"),
            ("python:3.12-slim", "docker.io/library/python:3.12-slim"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/python", "docker.io/library/python:latest"),
            ("index.docker.io/team/app:1", "docker.io/team/app:1"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/a/b:Tag_1.x", "localhost:5000/a/b:Tag_1.x"),
            ("registry.example.com:443/team/app__x--y/z", "registry.example.com:443/team/app__x--y/z:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("HOST/a", "HOST/a:latest"),
            ("a.b_c/d-e", "a.b_c/d-e"),
        ] {
            // `a.b_c` is a registry by its dot, and no domain name by its underscore.
            let expected = (text != "a.b_c/d-e").then(|| expected.to_owned());
            assert_eq!(canonical(text), expected, "{text}");
        }
        assert_eq!(
            canonical(&format!("python@{digest}")),
            Some(format!("docker.io/library/python@{digest}"))
        );
        assert_eq!(
            canonical(&format!("python:3@{digest}")),
            Some(format!("docker.io/library/python:3@{digest}"))
        );
    }

    #[test]
    fn the_canonical_name_is_its_own() {
        for text in ["python", "localhost:5000/a/b:1", "[::1]:5000/a"] {
            let reference: Reference = text.parse().expect("a reference");
            assert_eq!(reference.to_string().parse::<Reference>().expect("the same"), reference);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "a".repeat(MAX_NAME);
        for text in [
            "",
            " ",
            "Python",
            "py thon",
            "python:",
            "python:ta g",
            "-x",
            "a..b",
            "a/",
            "/a",
            "a//b",
            "a___b",
            "a:b:c",
            "a@sha256:12",
            "https://example.com/a",
            "a\n",
            "../etc",
            "example.com:99999/a",
            "example.com:+1/a",
            "a@",
            "é",
            "[::1/a",
            "[::g]:1/a",
            &long,
        ] {
            assert_eq!(canonical(text), None, "{text:?}");
        }
    }
}
