//! Writes an image: first the contents of files as they come, then all else.

use super::{
    directory::{self, DirectoryEntry},
    format::{self, BLOCK, Content, ENTRY_DIRECTORY, SLOT, SUPERBLOCK_OFFSET, Superblock},
    placement::{Place, Placement},
};
use crate::{
    ImageError,
    tree::{Kind, Tree},
};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes that are copied at once.
const BUFFER: usize = 128 << 10;

/// Writes an image into a file.
#[derive(Debug)]
pub(crate) struct ImageWriter<W: Write> {
    file: Output<W>,
    max_bytes: u64,
}

impl<W: Write + Seek> ImageWriter<W> {
    /// Starts an image of at most so many bytes. The file is empty.
    pub(crate) fn new(file: W, max_bytes: u64) -> Result<Self, ImageError> {
        let mut file = Output { inner: BufWriter::with_capacity(BUFFER, file), position: 0 };
        file.write(&[0; BLOCK])?;
        Ok(Self { file, max_bytes })
    }

    /// Adds the content of a file of this size.
    pub(crate) fn add_file(&mut self, content: &mut impl Read, size: u64) -> Result<Kind, ImageError> {
        if size == 0 {
            return Ok(Kind::File { first_block: 0, size });
        }
        if size.saturating_add(self.file.position) > self.max_bytes {
            return Err(ImageError::Limit { what: "bytes".into(), limit: self.max_bytes });
        }
        let first_block = self.file.block()?;
        let mut buffer = vec![0; BUFFER.min(usize::try_from(size).unwrap_or(BUFFER))];
        let mut content = content.take(size);
        let mut copied = 0;
        loop {
            let count = match content.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ImageError::Archive(error.to_string())),
            };
            if count == 0 {
                break;
            }
            self.file.write(buffer.get(..count).unwrap_or_default())?;
            copied += count as u64;
        }
        if copied < size {
            return Err(ImageError::Archive("it ends within a file".into()));
        }
        self.file.pad()?;
        Ok(Kind::File { first_block, size })
    }

    /// Writes the tree, and returns the file.
    pub(crate) fn finish(mut self, tree: &Tree) -> Result<W, ImageError> {
        let placement = Placement::new(tree, self.file.block()?);
        for place in &placement.places {
            if place.in_blocks() > 0 && !matches!(kind(tree, place), Some(Kind::File { .. })) {
                let content = content(tree, &placement, place);
                let whole = usize::try_from(place.in_blocks()).unwrap_or(usize::MAX);
                self.file.write(content.get(..whole).unwrap_or_default())?;
                self.file.pad()?;
            }
        }
        let metadata_block = self.file.block()?;
        let metadata_start = self.file.position;
        for (serial, place) in (1..).zip(&placement.places) {
            self.file.pad_to(metadata_start + place.number * SLOT as u64)?;
            let Some(inode) = tree.inode(place.id) else { continue };
            let Place { size, first_block, is_inline, .. } = *place;
            let header = format::inode(inode, &Content { size, first_block, is_inline }, place.links, serial);
            self.file.write(&header)?;
            if is_inline {
                let whole = usize::try_from(place.in_blocks()).unwrap_or(usize::MAX);
                self.file.write(content(tree, &placement, place).get(whole..).unwrap_or_default())?;
            }
        }
        self.file.pad()?;
        if self.file.position > self.max_bytes {
            return Err(ImageError::Limit { what: "bytes".into(), limit: self.max_bytes });
        }
        let root = placement.number(Tree::ROOT).and_then(|number| u16::try_from(number).ok());
        let superblock = Superblock {
            root: root.unwrap_or_default(),
            inodes: placement.places.len() as u64,
            blocks: self.file.block()?,
            metadata_block,
        };
        self.file.finish(&superblock)
    }
}

fn kind<'a>(tree: &'a Tree, place: &Place) -> Option<&'a Kind> {
    tree.inode(place.id).map(|inode| &inode.kind)
}

/// The content of a folder or a link.
fn content(tree: &Tree, placement: &Placement, place: &Place) -> Vec<u8> {
    match kind(tree, place) {
        Some(Kind::Symlink(target)) => target.to_vec(),
        Some(Kind::Directory(entries)) => {
            let names = directory::sorted(entries.keys().map(AsRef::as_ref));
            let entry = |name: &'_ [u8]| match name {
                b"." => (place.number, ENTRY_DIRECTORY),
                b".." => (place.parent, ENTRY_DIRECTORY),
                name => {
                    let inode = entries.get(name).map(|entry| entry.inode).unwrap_or_default();
                    let kind = tree.inode(inode).map_or(0, |inode| format::entry_type(&inode.kind));
                    (placement.number(inode).unwrap_or_default(), kind)
                }
            };
            let entries: Vec<_> = names
                .iter()
                .map(|name| {
                    let (number, kind) = entry(name);
                    DirectoryEntry { name, number, kind }
                })
                .collect();
            directory::content(&entries)
        }
        _ => Vec::new(),
    }
}

/// The file, and how far it is written.
#[derive(Debug)]
struct Output<W: Write> {
    inner: BufWriter<W>,
    position: u64,
}

impl<W: Write + Seek> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        self.inner.write_all(bytes).map_err(write_failed())?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Fills the current block.
    fn pad(&mut self) -> Result<(), ImageError> {
        self.pad_to(self.position.next_multiple_of(BLOCK as u64))
    }

    /// Writes zeros up to a position less than a block ahead.
    fn pad_to(&mut self, position: u64) -> Result<(), ImageError> {
        let missing = usize::try_from(position.saturating_sub(self.position)).unwrap_or(BLOCK);
        self.write([0; BLOCK].get(..missing).unwrap_or_default())
    }

    /// The number of the block at this position, which is that of a block.
    fn block(&self) -> Result<u32, ImageError> {
        u32::try_from(self.position / BLOCK as u64)
            .map_err(|_| ImageError::Limit { what: "blocks".into(), limit: u32::MAX.into() })
    }

    fn finish(self, superblock: &Superblock) -> Result<W, ImageError> {
        let mut file = self.inner.into_inner().map_err(|error| write_failed()(error.into_error()))?;
        file.seek(SeekFrom::Start(SUPERBLOCK_OFFSET))
            .and_then(|_| file.write_all(&superblock.bytes()))
            .map_err(write_failed())?;
        Ok(file)
    }
}

fn write_failed() -> impl FnOnce(io::Error) -> ImageError {
    ImageError::io("write the image")
}
