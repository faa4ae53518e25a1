//! What a program and its files take of their disk before the program runs. Pure.

use std::{collections::BTreeSet, path::Path};

/// Bytes of a page, which is what the disk of a sandbox is made of.
const PAGE: u64 = 4096;

/// Bytes of disk that files of these paths and lengths take: whole pages, and one for what is empty and for a folder.
pub(super) fn footprint<'a>(files: impl Iterator<Item = (&'a str, usize)>) -> u64 {
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
    fn whole_pages_are_taken() {
        for (files, pages) in [
            (&[("main.py", 1)][..], 1),
            (&[("main.py", 4096)], 1),
            (&[("main.py", 4097)], 2),
            (&[("main.py", 1), ("a", 0)], 2),
            (&[("main.py", 1), ("a/b/c", 8192), ("a/b/d", 1)], 6),
        ] {
            assert_eq!(footprint(files.iter().copied()), pages * PAGE, "{files:?}");
        }
    }
}
