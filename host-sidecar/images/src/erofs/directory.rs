//! The content of a folder: in each block its entries, then their names. All names are in the order of their
//! bytes, `.` and `..` among them, since readers search by halving.

use super::format::BLOCK;
use std::ops::Range;

/// Bytes of an entry without its name.
const ENTRY: usize = 12;

/// An entry of a folder.
pub(super) struct DirectoryEntry<'a> {
    pub(super) name: &'a [u8],
    /// The number of its inode.
    pub(super) number: u64,
    pub(super) kind: u8,
}

/// The names of a folder with these entries, in order.
pub(super) fn sorted<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut names: Vec<_> = names.chain([&b"."[..], &b".."[..]]).collect();
    names.sort_unstable();
    names
}

/// Bytes of the content of a folder with these names.
pub(super) fn size(names: &[&[u8]]) -> u64 {
    let blocks = blocks(names);
    let last = blocks.last().and_then(|range| names.get(range.clone())).unwrap_or_default();
    let used: usize = last.iter().map(|name| ENTRY + name.len()).sum();
    (blocks.len().saturating_sub(1) * BLOCK + used) as u64
}

/// The content of a folder. The last block is as long as its names need.
pub(super) fn content(entries: &[DirectoryEntry<'_>]) -> Vec<u8> {
    let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
    let mut bytes = Vec::new();
    for range in blocks(&names) {
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        let entries = entries.get(range).unwrap_or_default();
        let mut name_offset = entries.len() * ENTRY;
        for entry in entries {
            bytes.extend_from_slice(&entry.number.to_le_bytes());
            bytes.extend_from_slice(&u16::try_from(name_offset).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(&[entry.kind, 0]);
            name_offset += entry.name.len();
        }
        entries.iter().for_each(|entry| bytes.extend_from_slice(entry.name));
    }
    bytes
}

/// Which of the names each block has.
fn blocks(names: &[&[u8]]) -> Vec<Range<usize>> {
    let (mut blocks, mut start, mut used) = (Vec::new(), 0, 0);
    for (index, name) in names.iter().enumerate() {
        let needed = ENTRY + name.len();
        if used + needed > BLOCK {
            blocks.push(start..index);
            (start, used) = (index, 0);
        }
        used += needed;
    }
    blocks.push(start..names.len());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_the_content() {
        for count in [0, 1, 200, 341, 342, 5000] {
            let names: Vec<_> = (0..count).map(|number| format!("{number}").into_bytes()).collect();
            let sorted = sorted(names.iter().map(Vec::as_slice));
            let entry = |name| DirectoryEntry { name, number: 1, kind: 1 };
            let entries: Vec<_> = sorted.iter().copied().map(entry).collect();
            assert_eq!(content(&entries).len() as u64, size(&sorted), "{count}");
        }
    }

    #[test]
    fn dots_are_among_the_names() {
        assert_eq!(sorted([&b"!"[..], b"a"].into_iter()), [&b"!"[..], b".", b"..", b"a"]);
    }
}
