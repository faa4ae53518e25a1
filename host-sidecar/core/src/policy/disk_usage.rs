//! Disk that a program and its files use before the program runs. Pure.

use std::{collections::BTreeSet, path::Path};

/// Bytes of a page. The disk of a sandbox is a tmpfs, which is allocated in pages.
const PAGE: u64 = 4096;

/// Bytes of disk that files of these paths and lengths use: whole pages, and one for each empty file and each
/// folder.
pub(super) fn disk_usage<'a>(files: impl Iterator<Item = (&'a str, usize)>) -> u64 {
    let (mut pages, mut folders) = (0, BTreeSet::new());
    for (path, length) in files {
        pages += (length as u64).div_ceil(PAGE).max(1);
        let above = Path::new(path).ancestors().skip(1);
        folders.extend(above.filter(|folder| !folder.as_os_str().is_empty()));
    }
    (pages + folders.len() as u64) * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_use_whole_pages() {
        for (files, pages) in [
            (&[("main.py", 1)][..], 1),
            (&[("main.py", 4096)], 1),
            (&[("main.py", 4097)], 2),
            (&[("main.py", 1), ("a", 0)], 2),
            (&[("main.py", 1), ("a/b/c", 8192), ("a/b/d", 1)], 6),
        ] {
            assert_eq!(disk_usage(files.iter().copied()), pages * PAGE, "{files:?}");
        }
    }
}
