//! The version of the contract.

/// The version of the contract and of this API; a server that speaks another one is told by it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Names, in a request and in each answer, the version that its sender speaks.
pub const VERSION_HEADER: &str = "cofferdam-version";

/// Whether whoever speaks this version is understood: it differs from ours in nothing but the patch level.
#[must_use]
pub fn is_compatible(theirs: &str) -> bool {
    minor(theirs).is_some() && minor(theirs) == minor(VERSION)
}

fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_patch_level_may_differ() {
        let minor = minor("0.1.0");
        for version in ["0.1.7", "0.1", "0.1.0-rc.1"] {
            assert_eq!(super::minor(version), minor, "{version}");
        }
        for version in ["0.2.0", "1.1.0", "0.10.0", "", "0", "x.1.0", "0.1x"] {
            assert_ne!(super::minor(version), minor, "{version}");
        }
        assert!(is_compatible(VERSION) && !is_compatible("") && !is_compatible("x.1"));
    }
}
