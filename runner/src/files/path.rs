//! Paths as bytes: what is allowed, and their parts. Pure.

use super::failure::failure;
use cofferdam_protocol::{FileErrorKind, FileFailure};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// Longest path in bytes: the kernel's limit without its NUL.
const MAX_LENGTH: usize = 4095;
/// Longest name in bytes.
const MAX_NAME: usize = 255;

/// Refuses a path that no file can have.
pub(super) fn check(path: &[u8]) -> Result<&[u8], FileFailure> {
    let reason = match path {
        [] => "the path is empty",
        _ if path.contains(&0) => "the path contains a NUL byte",
        _ if path.len() > MAX_LENGTH => "the path is longer than 4095 bytes",
        _ if path.split(|byte| *byte == b'/').any(|name| name.len() > MAX_NAME) => {
            "a name in the path is longer than 255 bytes"
        }
        _ => return Ok(path),
    };
    Err(failure(FileErrorKind::InvalidPath, path, reason))
}

/// Refuses a path that is not relative or could lead out of a directory. Returns its components, none for `.`.
pub(super) fn components(path: &[u8]) -> Result<Vec<&[u8]>, FileFailure> {
    check(path)?;
    let refuse = |reason| Err(failure(FileErrorKind::InvalidPath, path, reason));
    if path.starts_with(b"/") {
        return refuse("the path is absolute; use one relative to the directory");
    }
    let components: Vec<_> =
        path.split(|byte| *byte == b'/').filter(|component| !matches!(*component, b"" | b".")).collect();
    if components.contains(&b"..".as_slice()) {
        return refuse("the path contains `..`");
    }
    Ok(components)
}

/// The directory of a file, and its name. None if the path can only be that of a directory.
pub(super) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let (directory, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => path.split_at_checked(slash + 1)?,
        None => (b".".as_slice(), path),
    };
    (!matches!(name, b"" | b"." | b"..")).then_some((directory, name))
}

/// The path without slashes at its end, which would follow a link.
pub(super) fn without_slash(path: &[u8]) -> &[u8] {
    match path {
        [] | [b'/'] => path,
        [rest @ .., b'/'] => without_slash(rest),
        _ => path,
    }
}

/// A path that begins in a directory. The directory that is empty is the one where relative paths begin.
pub(super) fn join(directory: &[u8], path: &[u8]) -> Vec<u8> {
    as_path(directory).join(as_path(path)).into_os_string().into_encoded_bytes()
}

/// For what the standard library does with paths.
pub(super) fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_no_file_can_have_is_refused() {
        for path in [b"".as_slice(), b"a\0b", &b"a/".repeat(2048), &[b'a'; MAX_NAME + 1]] {
            assert_eq!(check(path).map_err(|failure| failure.error), Err(FileErrorKind::InvalidPath));
        }
        let longest = [vec![b'a'; MAX_NAME], b"/a".repeat(MAX_LENGTH / 2 - 127)].concat();
        assert_eq!((longest.len(), check(&longest).is_ok()), (MAX_LENGTH, true));
    }

    #[test]
    fn components_stay_in_the_directory() {
        assert_eq!(components(b"./a//b/"), Ok(vec![b"a".as_slice(), b"b"]));
        assert_eq!(components(b"."), Ok(vec![]));
        assert_eq!(components(b"a/..b/c.."), Ok(vec![b"a".as_slice(), b"..b", b"c.."]));
        for path in [b"/a".as_slice(), b"..", b"a/../b", b"a/..", b""] {
            assert!(components(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_path_is_split_where_its_name_begins() {
        assert_eq!(split(b"a"), Some((b".".as_slice(), b"a".as_slice())));
        assert_eq!(split(b"/a"), Some((b"/".as_slice(), b"a".as_slice())));
        assert_eq!(split(b"a/b/c"), Some((b"a/b/".as_slice(), b"c".as_slice())));
        for path in [b"/".as_slice(), b"a/", b"a/.", b".."] {
            assert_eq!(split(path), None);
        }
    }

    #[test]
    fn only_the_slashes_at_the_end_are_left_out() {
        for (path, expected) in [("/a//b//", "/a//b"), ("a", "a"), ("///", "/")] {
            assert_eq!(without_slash(path.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn an_absolute_path_is_not_joined() {
        assert_eq!(join(b"", b"a"), b"a");
        assert_eq!(join(b"a/", b"b"), b"a/b");
        assert_eq!(join(b"a", b"/b"), b"/b");
    }
}
