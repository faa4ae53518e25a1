//! The images that requests may choose.

use crate::image_name::{ImageName, is_host, is_path, split_registry};
use cofferdam_types::{Error, ErrorCode, quoted};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The end of a pattern for all repositories below a path.
const BELOW: &str = "/*";

/// The images that requests may choose: those that match one of the patterns. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedImages(Vec<ImagePattern>);

/// A repository with all of its images, `NAME`; one tag or digest of it, `NAME:TAG` or `NAME@DIGEST`; or all
/// repositories of a registry or below a path, `REGISTRY/*` or `REGISTRY/PATH/*`. What a name lacks is Docker's
/// default, as in the name of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImagePattern {
    /// A repository, or one tag or digest of it.
    Repository(ImageName),
    /// All repositories below a path.
    Below {
        /// The host of the registry, with its port if it has one.
        registry: String,
        /// The path; empty for all of the registry.
        path: String,
    },
}

/// A text that is not the pattern of images.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a pattern of images, such as python, registry.example.com/team/app:1 or registry.example.com/team/*"
)]
pub struct MalformedImagePattern(String);

impl AllowedImages {
    /// Whether no request may choose an image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether requests may choose this image.
    #[must_use]
    pub fn matches(&self, image: &ImageName) -> bool {
        self.0.iter().any(|pattern| pattern.matches(image))
    }

    /// The image that a request has chosen.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidRequest`] for what is not the name of an image, [`ErrorCode::Denied`] for any image that is
    /// not allowed, whether it exists or not.
    pub(super) fn choose(&self, name: &str) -> Result<ImageName, Error> {
        let image: ImageName = name.parse().map_err(|_| {
            let problem = "is not the name of an image: it has the form [REGISTRY/]REPOSITORY[:TAG][@DIGEST]";
            Error::new(ErrorCode::InvalidRequest, format!("image: {} {problem}", quoted(name)))
        })?;
        if self.matches(&image) {
            return Ok(image);
        }
        let denied = |message: String| Err(Error::new(ErrorCode::Denied, message));
        if self.is_empty() {
            return denied(
                "requests may not choose an image; leave out `image`, or ask the operator to set `allowed_images`"
                    .into(),
            );
        }
        denied(format!(
            "the image {} is not allowed; allowed: {self}; choose one of these, or ask the operator to add it to \
             `allowed_images`",
            quoted(&image.to_string())
        ))
    }
}

impl FromIterator<ImagePattern> for AllowedImages {
    fn from_iter<T: IntoIterator<Item = ImagePattern>>(patterns: T) -> Self {
        Self(patterns.into_iter().collect())
    }
}

/// The patterns with all of their parts, separated by commas.
impl fmt::Display for AllowedImages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pattern) in self.0.iter().enumerate() {
            write!(formatter, "{}{pattern}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl ImagePattern {
    fn matches(&self, image: &ImageName) -> bool {
        match self {
            Self::Below { registry, path } => {
                let is_below = |rest: &str| path.is_empty() || rest.starts_with('/');
                image.registry() == registry && image.repository().strip_prefix(&**path).is_some_and(is_below)
            }
            Self::Repository(allowed) => {
                (image.registry(), image.repository()) == (allowed.registry(), allowed.repository())
                    && match (allowed.digest(), allowed.tag()) {
                        (None, None) => true,
                        (Some(digest), _) => image.digest() == Some(digest),
                        // A digest may be that of any image of the repository, whatever the tag beside it.
                        (None, tag) => image.digest().is_none() && image.tag() == tag,
                    }
            }
        }
    }

    fn below(text: &str) -> Option<Self> {
        // An empty path, so that a registry alone is split off too.
        let with_path = format!("{text}/");
        let (registry, path) = split_registry(&with_path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_valid = is_host(registry) && (is_path(path) || path.is_empty() && !text.is_empty());
        is_valid.then(|| Self::Below { registry: registry.to_owned(), path: path.to_owned() })
    }
}

impl FromStr for ImagePattern {
    type Err = MalformedImagePattern;

    fn from_str(text: &str) -> Result<Self, MalformedImagePattern> {
        let parsed = match text.strip_suffix(BELOW) {
            Some(prefix) => Self::below(prefix),
            None => ImageName::parse_parts(text).map(Self::Repository),
        };
        parsed.ok_or_else(|| MalformedImagePattern(text.chars().take(255).collect()))
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(name) => name.fmt(formatter),
            Self::Below { registry, path } if path.is_empty() => write!(formatter, "{registry}{BELOW}"),
            Self::Below { registry, path } => write!(formatter, "{registry}/{path}{BELOW}"),
        }
    }
}

impl TryFrom<String> for ImagePattern {
    type Error = MalformedImagePattern;

    fn try_from(text: String) -> Result<Self, MalformedImagePattern> {
        text.parse()
    }
}

impl From<ImagePattern> for String {
    fn from(pattern: ImagePattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(patterns: &[&str]) -> AllowedImages {
        patterns.iter().map(|pattern| pattern.parse().expect("a pattern")).collect()
    }

    fn digest(byte: &str) -> String {
        format!("sha256:{}", byte.repeat(32))
    }

    fn matches(pattern: &str, image: &str) -> bool {
        allowed(&[pattern]).matches(&image.parse().expect("a name"))
    }

    #[test]
    fn a_pattern_matches_the_names_that_mean_the_same() {
        let by_digest = format!("python@{}", digest("a1"));
        let with_tag = format!("python:1@{}", digest("a1"));
        for (pattern, image) in [
            ("python", "python"),
            ("python", "python:3.12"),
            ("python", "docker.io/library/python"),
            ("docker.io/library/python", "python"),
            ("index.docker.io/python", "python"),
            ("python", &by_digest),
            ("python", &with_tag),
            ("python:3.12", "docker.io/python:3.12"),
            ("python:latest", "python"),
            (&by_digest, &by_digest),
            (&by_digest, &with_tag),
            ("docker.io/*", "python"),
            ("docker.io/*", "team/app"),
            ("index.docker.io/*", "python"),
            ("library/*", "python"),
            ("team/*", "team/app"),
            ("team/*", "docker.io/team/a/b"),
            ("localhost:5000/*", "localhost:5000/a/b:1"),
            ("registry.example.com/team/*", "registry.example.com/team/a/b"),
            ("[::1]:5000/a/*", "[::1]:5000/a/b"),
        ] {
            assert!(matches(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn a_pattern_matches_nothing_else() {
        let (by_digest, other) = (format!("python@{}", digest("a1")), format!("python@{}", digest("b1")));
        let with_tag = format!("python:3.12@{}", digest("a1"));
        for (pattern, image) in [
            ("python", "team/python"),
            ("python", "python/a"),
            ("python", "pythonx"),
            ("python", "registry.example.com/library/python"),
            ("python", "docker.io.example.com/library/python"),
            ("python:3.12", "python"),
            ("python:3.12", "python:3.13"),
            ("python:3.12", &with_tag),
            (&by_digest, "python"),
            (&by_digest, &other),
            ("docker.io/*", "registry.example.com/a"),
            ("team/*", "python"),
            ("team/*", "team.example.com/app"),
            ("registry.example.com/team/*", "registry.example.com/team"),
            ("registry.example.com/team/*", "registry.example.com/team2/app"),
            ("registry.example.com/team/*", "registry.example.com:5000/team/app"),
            ("registry.example.com/team/*", "evil.example/registry.example.com/team/app"),
        ] {
            assert!(!matches(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn a_pattern_survives_its_text() {
        for (text, shown) in [
            ("python", "docker.io/library/python"),
            ("python:3", "docker.io/library/python:3"),
            ("docker.io/*", "docker.io/*"),
            ("team/*", "docker.io/team/*"),
            ("localhost:5000/a/*", "localhost:5000/a/*"),
        ] {
            let pattern: ImagePattern = text.parse().expect("a pattern");
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse(), Ok(pattern));
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for text in [
            "",
            "*",
            "/*",
            "//*",
            "a/*/b",
            "a*",
            "a/b*",
            "*/a",
            "a/*:1",
            "A",
            "https://a.b/*",
            "a//*",
            "a/*/*",
            "a.b_c/*",
        ] {
            assert_eq!(text.parse::<ImagePattern>(), Err(MalformedImagePattern(text.into())), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |patterns: &[&str], image: &str| allowed(patterns).choose(image).expect_err("refused");
        for (error, code, part) in [
            (refused(&[], "python"), ErrorCode::Denied, "leave out `image`, or ask the operator to set"),
            (
                refused(&["python:3", "a.b/*"], "perl"),
                ErrorCode::Denied,
                "`docker.io/library/perl:latest` is not allowed; allowed: docker.io/library/python:3, a.b/*;",
            ),
            (refused(&["python"], "no name"), ErrorCode::InvalidRequest, "image: `no name` is not the name"),
            // Only in settings it stands for this machine's files.
            (refused(&["python"], ""), ErrorCode::InvalidRequest, "image: `` is not the name"),
        ] {
            assert_eq!(error.code, code, "{error}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
