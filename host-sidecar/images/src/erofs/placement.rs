//! Where each inode of a tree is in the image. Pure.

use super::{
    directory,
    format::{BLOCK, INODE, SLOT},
};
use crate::tree::{InodeId, Kind, Tree};

/// The place of an inode.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: InodeId,
    /// The number of the inode, by its offset.
    pub(super) number: u64,
    /// The number of the folder that has it; of the root, the root.
    pub(super) parent: u64,
    /// Bytes of its content.
    pub(super) size: u64,
    /// The first block of its content.
    pub(super) first_block: u32,
    /// Whether the end of its content follows the inode.
    pub(super) is_inline: bool,
    /// The number of its names; of a folder, with those that are `.` and `..`.
    pub(super) links: u32,
}

impl Place {
    /// Bytes of the content in whole blocks.
    pub(super) fn in_blocks(&self) -> u64 {
        if self.is_inline { self.size - self.size % BLOCK as u64 } else { self.size }
    }

    /// Bytes of the inode and what follows it.
    pub(super) fn in_metadata(&self) -> u64 {
        INODE as u64 + self.size - self.in_blocks()
    }
}

/// The places of all inodes that have a name, and the blocks of folders and links.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) places: Vec<Place>,
    /// The index of each inode's place.
    indexes: Vec<Option<usize>>,
    /// The first block after those of folders and links.
    pub(super) end_block: u32,
}

impl Placement {
    /// Places the content of folders and links from a block on. The root is first: its number has 16 bits.
    pub(super) fn new(tree: &Tree, first_block: u32) -> Self {
        let mut placement =
            Self { places: Vec::new(), indexes: vec![None; tree.len()], end_block: first_block };
        // No inode has the number zero, which programs take for none.
        let mut end = SLOT as u64;
        placement.place(tree, Tree::ROOT, None, &mut end);
        let mut next = 0;
        while let Some(folder) = placement.places.get(next) {
            let (folder, parent) = (folder.id, folder.number);
            for entry in tree.entries(folder).into_iter().flat_map(|entries| entries.values()) {
                match placement.indexes.get(entry.inode).copied().flatten() {
                    Some(index) => placement.add_link(index),
                    None => placement.place(tree, entry.inode, Some(parent), &mut end),
                }
                if tree.entries(entry.inode).is_some() {
                    placement.add_link(next);
                }
            }
            next += 1;
        }
        placement
    }

    /// The number of an inode that has a name.
    pub(super) fn number(&self, id: InodeId) -> Option<u64> {
        self.indexes
            .get(id)
            .copied()
            .flatten()
            .and_then(|index| self.places.get(index))
            .map(|place| place.number)
    }

    fn add_link(&mut self, index: usize) {
        if let Some(place) = self.places.get_mut(index) {
            place.links += 1;
        }
    }

    fn place(&mut self, tree: &Tree, id: InodeId, parent: Option<u64>, end: &mut u64) {
        let Some(inode) = tree.inode(id) else { return };
        let block = BLOCK as u64;
        let (size, contents_block) = match &inode.kind {
            Kind::Directory(entries) => {
                (directory::size(&directory::sorted(entries.keys().map(AsRef::as_ref))), None)
            }
            Kind::Symlink(target) => (target.len() as u64, None),
            Kind::File { first_block, size } => (*size, Some(*first_block)),
            Kind::Special(_) => (0, Some(0)),
        };
        let rest = size % block;
        let is_inline = contents_block.is_none() && rest > 0 && INODE as u64 + rest <= block;
        let mut place = Place {
            id,
            number: 0,
            parent: 0,
            size,
            first_block: contents_block.unwrap_or(self.end_block),
            is_inline,
            links: if tree.entries(id).is_some() { 2 } else { 1 },
        };
        if contents_block.is_none() {
            self.end_block += u32::try_from(place.in_blocks().div_ceil(block)).unwrap_or(u32::MAX);
        }
        // An inode and what follows it are in one block.
        if *end % block + place.in_metadata() > block {
            *end = end.next_multiple_of(block);
        }
        place.number = *end / SLOT as u64;
        place.parent = parent.unwrap_or(place.number);
        *end = (*end + place.in_metadata()).next_multiple_of(SLOT as u64);
        if let Some(index) = self.indexes.get_mut(id) {
            *index = Some(self.places.len());
        }
        self.places.push(place);
    }
}
