//! Applies layers. Source: OCI image specification, "Image Layer Filesystem Changeset".

use super::{
    additions::Additions,
    decompress::decompressed,
    entry::{EntryHeader, Extensions},
    limits::{MAX_TARGET, UnpackLimits},
    path::names,
};
use crate::{
    Digest, DigestWriter, ImageError,
    erofs::ImageWriter,
    tree::{Kind, Special, Tree},
};
use std::io::{self, BufRead, Read, Seek, Write};
use tar::{Archive, Entry, EntryType};

/// The name of an entry that removes another begins so.
const WHITEOUT: &[u8] = b".wh.";
/// Data of AUFS itself, except the next one.
const AUFS: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Unpacks layers, the lowest first.
#[derive(Debug)]
pub struct Unpacker<W: Write> {
    tree: Tree,
    image: ImageWriter<W>,
    limits: UnpackLimits,
    /// Bytes that were unpacked.
    unpacked: u64,
    name_bytes: u64,
    entries: u64,
}

impl<W: Write + Seek> Unpacker<W> {
    /// Writes an image into an empty file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn new(file: W, limits: UnpackLimits) -> Result<Self, ImageError> {
        let image = ImageWriter::new(file, limits.bytes)?;
        Ok(Self { tree: Tree::new(), image, limits, unpacked: 0, name_bytes: 0, entries: 0 })
    }

    /// Applies a layer, compressed or not, and checks the digest of what it unpacks to.
    ///
    /// # Errors
    ///
    /// The layer is malformed, hostile or too large, or is not the one of this digest.
    pub fn apply(&mut self, layer: impl BufRead, diff_id: &Digest) -> Result<(), ImageError> {
        self.tree.next_layer();
        let bytes = decompressed(layer).map_err(malformed)?;
        let mut bytes = Hashing {
            inner: bytes.take(self.limits.bytes.saturating_sub(self.unpacked).saturating_add(1)),
            hash: DigestWriter::new(io::sink()),
        };
        let applied = self.apply_entries(&mut Archive::new(&mut bytes));
        // What follows the archive belongs to the layer, and may be anything.
        let rest = applied.is_ok().then(|| io::copy(&mut bytes, &mut io::sink()).map_err(malformed));
        self.unpacked += bytes.hash.length();
        // A layer that is cut at the limit looks malformed.
        if self.unpacked > self.limits.bytes {
            return Err(ImageError::Limit { what: "bytes".into(), limit: self.limits.bytes });
        }
        applied?;
        rest.transpose()?;
        diff_id.require(&bytes.hash.finish().1)
    }

    /// Adds what every sandbox needs and an image may lack, and writes the image.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn finish(mut self, additions: &Additions<'_>) -> Result<W, ImageError> {
        self.tree.next_layer();
        additions.add(&mut self.tree, &mut self.image)?;
        self.image.finish(&self.tree)
    }

    fn apply_entries<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(), ImageError> {
        let mut extensions = Extensions::default();
        for entry in archive.entries().map_err(malformed)?.raw(true) {
            let mut entry = entry.map_err(malformed)?;
            self.entries += 1;
            if !extensions.read(&mut entry)? {
                let header = std::mem::take(&mut extensions).complete(&entry)?;
                self.apply_entry(&header, &mut entry)?;
            }
            // An entry may imply folders.
            let entries = self.entries.max(self.tree.len() as u64);
            if entries > self.limits.entries {
                return Err(ImageError::Limit { what: "entries".into(), limit: self.limits.entries });
            }
        }
        Ok(())
    }

    fn apply_entry<R: Read>(
        &mut self,
        header: &EntryHeader,
        entry: &mut Entry<'_, R>,
    ) -> Result<(), ImageError> {
        let path = names(&header.path)?;
        let Some((name, folders)) = path.split_last() else {
            // The root itself.
            self.tree.set_metadata(Tree::ROOT, header.metadata);
            return Ok(());
        };
        self.name_bytes += (header.path.len() + header.target.len()) as u64;
        if self.name_bytes > self.limits.name_bytes {
            return Err(ImageError::Limit { what: "bytes of names".into(), limit: self.limits.name_bytes });
        }
        if *name == OPAQUE {
            let folder = self.tree.require_directory(folders);
            self.tree.make_opaque(folder);
            return Ok(());
        }
        if path.iter().any(|name| name.starts_with(AUFS)) {
            return Ok(());
        }
        if let Some(removed) = name.strip_prefix(WHITEOUT) {
            return self.remove(header, folders, removed);
        }
        let refused = |problem| Err(ImageError::archive_entry(&header.path, problem));
        let kind = match header.kind {
            EntryType::Directory => {
                let folder = self.tree.require_directory(folders);
                self.tree.add_directory(folder, name, header.metadata);
                return Ok(());
            }
            EntryType::Link => return self.add_hard_link(header, folders, name),
            EntryType::Symlink if header.target.is_empty() || header.target.contains(&0) => {
                return refused("its target is empty or has a zero byte");
            }
            EntryType::Symlink if header.target.len() > MAX_TARGET => {
                return refused("its target is too long");
            }
            EntryType::Symlink => Kind::Symlink(header.target.as_slice().into()),
            EntryType::Char => Kind::Special(Special::CharacterDevice),
            EntryType::Block => Kind::Special(Special::BlockDevice),
            EntryType::Fifo => Kind::Special(Special::Fifo),
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                self.image.add_file(entry, size)?
            }
            _ => return refused("this kind of entry is not supported"),
        };
        let folder = self.tree.require_directory(folders);
        self.tree.add(folder, name, kind, header.metadata);
        Ok(())
    }

    /// Removes what lower layers have under a name.
    fn remove(&mut self, header: &EntryHeader, folders: &[&[u8]], name: &[u8]) -> Result<(), ImageError> {
        if matches!(name, b"" | b"." | b"..") {
            return Err(ImageError::archive_entry(&header.path, "it removes no name"));
        }
        // No folder is created or replaced only to remove something in it.
        if let Some(folder) = self.tree.find(folders) {
            self.tree.remove_lower(folder, name);
        }
        Ok(())
    }

    fn add_hard_link(
        &mut self,
        header: &EntryHeader,
        folders: &[&[u8]],
        name: &[u8],
    ) -> Result<(), ImageError> {
        let target = self.tree.find(&names(&header.target)?);
        match target.filter(|target| self.tree.entries(*target).is_none()) {
            Some(target) => {
                let folder = self.tree.require_directory(folders);
                self.tree.link(folder, name, target);
                Ok(())
            }
            None => Err(ImageError::archive_entry(
                &header.path,
                "it is a hard link to what is no file of the image",
            )),
        }
    }
}

/// Computes the digest of what is read.
struct Hashing<R> {
    inner: R,
    hash: DigestWriter<io::Sink>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

fn malformed(error: io::Error) -> ImageError {
    ImageError::Archive(error.to_string())
}
