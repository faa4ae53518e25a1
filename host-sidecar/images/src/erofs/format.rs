//! The structures of the format. All numbers are little-endian.

use crate::tree::{Inode, Kind, Special};

/// Bytes of a block; gVisor requires whole pages.
pub(super) const BLOCK: usize = 4096;
pub(super) const BLOCK_BITS: u8 = 12;
/// Where the superblock is in the first block.
pub(super) const SUPERBLOCK_OFFSET: u64 = 1024;
const MAGIC: u32 = 0xe0f5_e1e2;
/// The number of an inode is its offset in units of this.
pub(super) const SLOT: usize = 32;
pub(super) const INODE: usize = 64;

/// An inode of 64 bytes whose content is in whole blocks.
const FORMAT_PLAIN: u16 = 1;
/// The same, where what remains after whole blocks follows the inode.
const FORMAT_INLINE: u16 = 1 | 2 << 1;

/// What the superblock says.
pub(super) struct Superblock {
    pub(super) root: u16,
    pub(super) inodes: u64,
    pub(super) blocks: u32,
    pub(super) metadata_block: u32,
}

impl Superblock {
    pub(super) fn bytes(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        put(&mut bytes, 0, &MAGIC.to_le_bytes());
        put(&mut bytes, 12, &[BLOCK_BITS]);
        put(&mut bytes, 14, &self.root.to_le_bytes());
        put(&mut bytes, 16, &self.inodes.to_le_bytes());
        put(&mut bytes, 36, &self.blocks.to_le_bytes());
        put(&mut bytes, 40, &self.metadata_block.to_le_bytes());
        bytes
    }
}

/// Where an inode's content is.
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) first_block: u32,
    pub(super) is_inline: bool,
}

/// An inode; `serial` is its number for programs of 32 bits.
pub(super) fn inode(inode: &Inode, content: &Content, links: u32, serial: u32) -> [u8; INODE] {
    let (metadata, mut bytes) = (&inode.metadata, [0; INODE]);
    let format = if content.is_inline { FORMAT_INLINE } else { FORMAT_PLAIN };
    let permissions = if matches!(inode.kind, Kind::Symlink(_)) { 0o777 } else { metadata.mode };
    put(&mut bytes, 0, &format.to_le_bytes());
    put(&mut bytes, 4, &(mode_of(&inode.kind) | permissions).to_le_bytes());
    put(&mut bytes, 8, &content.size.to_le_bytes());
    put(&mut bytes, 16, &content.first_block.to_le_bytes());
    put(&mut bytes, 20, &serial.to_le_bytes());
    put(&mut bytes, 24, &metadata.uid.to_le_bytes());
    put(&mut bytes, 28, &metadata.gid.to_le_bytes());
    put(&mut bytes, 32, &metadata.mtime.0.to_le_bytes());
    put(&mut bytes, 40, &metadata.mtime.1.to_le_bytes());
    put(&mut bytes, 44, &links.to_le_bytes());
    bytes
}

/// The type of a file in its mode. Source: POSIX, `sys/stat.h`; the values are Linux's.
fn mode_of(kind: &Kind) -> u16 {
    match kind {
        Kind::Directory(_) => 0o040_000,
        Kind::File { .. } => 0o100_000,
        Kind::Symlink(_) => 0o120_000,
        Kind::Special(Special::CharacterDevice) => 0o020_000,
        Kind::Special(Special::BlockDevice) => 0o060_000,
        Kind::Special(Special::Fifo) => 0o010_000,
    }
}

/// The type of a file in an entry of a folder.
pub(super) fn entry_type(kind: &Kind) -> u8 {
    match kind {
        Kind::File { .. } => 1,
        Kind::Directory(_) => ENTRY_DIRECTORY,
        Kind::Special(Special::CharacterDevice) => 3,
        Kind::Special(Special::BlockDevice) => 4,
        Kind::Special(Special::Fifo) => 5,
        Kind::Symlink(_) => 7,
    }
}

pub(super) const ENTRY_DIRECTORY: u8 = 2;

/// Copies a field to its place.
fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(offset..offset + field.len()) {
        place.copy_from_slice(field);
    }
}
