//! The version of the contract.

/// The version of the contract and of this API.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The header of requests and responses with the version of their sender.
pub const VERSION_HEADER: &str = "cofferdam-version";

/// Whether a peer's version is compatible: it may differ from [`VERSION`] in the patch level only.
#[must_use]
pub fn is_compatible(version: &str) -> bool {
    minor(version).is_some() && minor(version) == minor(VERSION)
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
