//! Paths of archives. They are resolved in the image alone, and never by a file system.

use super::limits::{MAX_NAME, MAX_PATH};
use crate::ImageError;

/// The names of a path, from the root. As in containerd, an absolute path is below the root, and `..` of the
/// root is the root.
pub(super) fn names(path: &[u8]) -> Result<Vec<&[u8]>, ImageError> {
    let refused = |problem: &str| Err(ImageError::archive_entry(path, problem));
    if path.len() > MAX_PATH {
        return refused("its path is too long");
    }
    if path.contains(&0) {
        return refused("its path has a zero byte");
    }
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => _ = names.pop(),
            name if name.len() > MAX_NAME => return refused("a name in its path is too long"),
            name => names.push(name),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(path: &str) -> Option<String> {
        let names = names(path.as_bytes()).ok()?;
        Some(names.iter().map(|name| String::from_utf8_lossy(name)).collect::<Vec<_>>().join("/"))
    }

    #[test]
    fn a_path_stays_below_the_root() {
        for (path, expected) in [
            ("./a/b", "a/b"),
            ("/etc/passwd", "etc/passwd"),
            ("../../etc/passwd", "etc/passwd"),
            ("a/../../b", "b"),
            ("a//./b/", "a/b"),
            ("./", ""),
            ("..", ""),
        ] {
            assert_eq!(joined(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn an_invalid_path_is_refused() {
        for path in ["a".repeat(MAX_NAME + 1), "a/".repeat(MAX_PATH), "a\0b".to_owned()] {
            assert_eq!(joined(&path), None, "{path}");
        }
    }
}
