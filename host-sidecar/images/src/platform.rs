//! Operating system and processor of an image.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an image is built for. Source: OCI image specification, "Image Index".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system, by Go's name.
    pub os: String,
    /// The processor, by Go's name.
    pub architecture: String,
    /// The variant of the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on this machine's processor.
    #[must_use]
    pub fn of_machine() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    /// Whether programs for `other` run on this platform. A missing variant is the baseline, which for arm64
    /// is v8.
    #[must_use]
    pub fn runs(&self, other: &Self) -> bool {
        let variant = |platform: &Self| match platform.variant.as_deref() {
            Some("" | "v1") if platform.architecture == "amd64" => None,
            Some("" | "v8") if platform.architecture == "arm64" => None,
            variant => variant.map(ToOwned::to_owned),
        };
        self.os == other.os && self.architecture == other.architecture && variant(self) == variant(other)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(formatter, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(os: &str, architecture: &str, variant: Option<&str>) -> Platform {
        Platform { os: os.into(), architecture: architecture.into(), variant: variant.map(ToOwned::to_owned) }
    }

    #[test]
    fn a_baseline_variant_may_be_named() {
        let arm = platform("linux", "arm64", None);
        assert!(arm.runs(&platform("linux", "arm64", Some("v8"))));
        assert!(!arm.runs(&platform("linux", "arm64", Some("v9"))));
        assert!(!arm.runs(&platform("linux", "amd64", None)));
        assert!(!arm.runs(&platform("windows", "arm64", None)));
        let amd = platform("linux", "amd64", None);
        assert!(!amd.runs(&platform("linux", "amd64", Some("v3"))));
    }
}
