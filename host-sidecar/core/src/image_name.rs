//! Names of images. Pure. Sources: github.com/distribution/reference, `reference.go` and `normalize.go`; OCI image
//! specification, "Digests".

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
/// The algorithms of digests, with the hexadecimal digits of each.
const ALGORITHMS: [(&str, usize); 2] = [("sha256", 64), ("sha512", 128)];

/// The name of an image with all of its parts: `python` is `docker.io/library/python:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// A text that is not the name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an image: it has the form [REGISTRY/]REPOSITORY[:TAG][@DIGEST]")]
pub struct MalformedImageName(pub(crate) String);

impl MalformedImageName {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().take(MAX_NAME).collect())
    }
}

impl ImageName {
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
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// A name that gets no tag where it has none, nor the length of a whole name.
    pub(crate) fn parse_parts(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest.get(after_slash..)?.find(':') {
            Some(at) => (rest.get(..after_slash + at)?, rest.get(after_slash + at + 1..)),
            None => (rest, None),
        };
        let (registry, path) = split_registry(name);
        let is_official = registry == DEFAULT_REGISTRY && !path.contains('/');
        let repository = if is_official { format!("{OFFICIAL}/{path}") } else { path.to_owned() };
        let is_valid = is_host(registry)
            && is_path(&repository)
            && registry.len() + 1 + repository.len() <= MAX_NAME
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        let owned = |part: Option<&str>| part.map(ToOwned::to_owned);
        is_valid.then(|| Self {
            registry: registry.to_owned(),
            repository,
            tag: owned(tag),
            digest: owned(digest),
        })
    }
}

impl FromStr for ImageName {
    type Err = MalformedImageName;

    fn from_str(text: &str) -> Result<Self, MalformedImageName> {
        let mut name = Self::parse_parts(text).ok_or_else(|| MalformedImageName::new(text))?;
        if name.tag.is_none() && name.digest.is_none() {
            name.tag = Some(DEFAULT_TAG.to_owned());
        }
        Ok(name)
    }
}

impl fmt::Display for ImageName {
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

/// The registry of a name, and the path in it.
pub(crate) fn split_registry(name: &str) -> (&str, &str) {
    let (first, path) = name.split_once('/').unwrap_or((name, ""));
    let is_last = first.len() == name.len();
    match first {
        LEGACY_DEFAULT_REGISTRY if !is_last => (DEFAULT_REGISTRY, path),
        _ if !is_last && is_registry(first) => (first, path),
        _ => (DEFAULT_REGISTRY, name),
    }
}

/// Whether the first part of a name is a registry, and not a part of the path.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase())
}

/// A domain name, an IPv4 address or an IPv6 address in brackets, and a port.
pub(crate) fn is_host(text: &str) -> bool {
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

/// The path of a repository.
pub(crate) fn is_path(text: &str) -> bool {
    text.split('/').all(is_component)
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

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    ALGORITHMS.contains(&(algorithm, hex.len())) && hex.bytes().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        text.parse::<ImageName>().ok().map(|name| name.to_string())
    }

    #[test]
    fn the_parts_that_a_name_lacks_are_dockers_defaults() {
        for (text, expected) in [
            ("python", "docker.io/library/python:latest"),
            ("python:3.12-slim", "docker.io/library/python:3.12-slim"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/python", "docker.io/library/python:latest"),
            ("docker.io/library/python:3.11-slim", "docker.io/library/python:3.11-slim"),
            ("index.docker.io/team/app:1", "docker.io/team/app:1"),
            ("index.docker.io/python", "docker.io/library/python:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost", "docker.io/library/localhost:latest"),
            ("localhost:5000/a/b:Tag_1.x", "localhost:5000/a/b:Tag_1.x"),
            ("registry.example.com:443/team/app__x--y/z", "registry.example.com:443/team/app__x--y/z:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("HOST/a", "HOST/a:latest"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        for digest in [format!("sha256:{}", "a1".repeat(32)), format!("sha512:{}", "a1".repeat(64))] {
            for name in ["python", "python:3"] {
                let expected = format!("docker.io/library/{name}@{digest}");
                assert_eq!(canonical(&format!("{name}@{digest}")), Some(expected));
            }
        }
    }

    #[test]
    fn the_canonical_name_is_its_own() {
        for text in ["python", "localhost:5000/a/b:1", "[::1]:5000/a"] {
            let name: ImageName = text.parse().expect("a name");
            assert_eq!(name.to_string().parse::<ImageName>().expect("the same"), name);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "a".repeat(MAX_NAME);
        let upper = format!("a@sha256:{}", "A1".repeat(32));
        let other = format!("a@md5:{}", "a1".repeat(16));
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
            "example.com/",
            "a@",
            "é",
            "[::1/a",
            "[::g]:1/a",
            // A registry by its dot, and no domain name by its underscore.
            "a.b_c/d-e",
            &long,
            &upper,
            &other,
        ] {
            assert_eq!(canonical(text), None, "{text:?}");
        }
    }
}
