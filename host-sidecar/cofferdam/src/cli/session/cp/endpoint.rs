//! The two ends of a copy. Pure.

use crate::cli::Failure;
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A path on this machine.
    Local(PathBuf),
    /// A path in a session.
    Session { id: String, path: Vec<u8> },
}

impl Endpoint {
    /// The end that an argument names. A path with a slash before its first colon is local.
    pub(super) fn of(argument: &OsStr) -> Result<Self, Failure> {
        let bytes = argument.as_bytes();
        if bytes.is_empty() {
            return Err("a path is empty".into());
        }
        let colon = bytes.iter().position(|byte| *byte == b':');
        let Some((id, path)) = colon.and_then(|colon| Some((bytes.get(..colon)?, bytes.get(colon + 1..)?)))
        else {
            return Ok(Self::Local(argument.into()));
        };
        if id.contains(&b'/') || matches!(id, b"." | b"..") {
            return Ok(Self::Local(argument.into()));
        }
        let id = str::from_utf8(id).ok().filter(|id| !id.is_empty());
        match id {
            Some(_) if path.is_empty() => {
                Err("the path in the session is empty; the working directory is ID:.".into())
            }
            Some(id) => Ok(Self::Session { id: id.into(), path: path.into() }),
            None => {
                Err("the id of the session before the colon is empty; a local path begins with ./ or /"
                    .into())
            }
        }
    }
}

/// The last part of a path; none if it names no file, such as `/` and `a/..`.
pub(super) fn file_name(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let name = path.get(..end)?.rsplit(|byte| *byte == b'/').next()?;
    (!matches!(name, b"" | b"." | b"..")).then_some(name)
}

/// Whether a path means what is in a folder, not the folder: it ends with `/.`, or is `.`.
pub(super) fn means_contents(path: &[u8]) -> bool {
    path == b"." || path.ends_with(b"/.")
}

/// Whether a path can only be a folder.
pub(super) fn must_be_folder(path: &[u8]) -> bool {
    path.ends_with(b"/") || means_contents(path)
}

/// A path in a folder.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.ends_with(b"/") { b"" } else { b"/" };
    [folder, slash, name].concat()
}

/// A path for a message.
pub(super) fn shown(path: &[u8]) -> String {
    cofferdam_types::quoted(&OsString::from_vec(path.to_vec()).to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_separates_a_session_from_a_path() {
        let of = |text: &str| Endpoint::of(OsStr::new(text)).map_err(|failure| failure.to_string());
        let session = |id: &str, path: &[u8]| Ok(Endpoint::Session { id: id.into(), path: path.into() });
        assert_eq!(of("s-1:/work/a:b"), session("s-1", b"/work/a:b"));
        assert_eq!(of("s-1:."), session("s-1", b"."));
        for local in ["a", "./a:b", "/a:b", "../a:b", "dir/a:b", ".", "..:"] {
            assert_eq!(of(local), Ok(Endpoint::Local(local.into())), "{local}");
        }
        for wrong in ["", ":a", "s-1:"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        let bytes = OsStr::from_bytes(b"s:\xff");
        assert_eq!(Endpoint::of(bytes).ok(), session("s", b"\xff").ok());
    }

    #[test]
    fn a_name_is_the_last_part_of_a_path() {
        for (path, name) in [
            (&b"a"[..], Some(&b"a"[..])),
            (b"/a/b", Some(b"b")),
            (b"a/b//", Some(b"b")),
            (b"/", None),
            (b"a/.", None),
            (b"..", None),
        ] {
            assert_eq!(file_name(path), name);
        }
        assert!(
            means_contents(b".") && means_contents(b"a/.") && !means_contents(b"a.") && must_be_folder(b"a/")
        );
        assert_eq!((join(b"/", b"a"), join(b"b", b"a")), (b"/a".to_vec(), b"b/a".to_vec()));
    }
}
