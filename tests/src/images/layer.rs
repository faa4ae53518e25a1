//! Builds layers.

use super::debian;
use cofferdam::images::Digest;
use flate2::{Compression as Level, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Deserialize;
use std::{fs, io::Write, os::unix::fs::symlink, path::Path};
use tar::{Builder, EntryType, Header};

/// A layer that is being built.
#[derive(Default)]
pub struct Layer {
    entries: Vec<(Header, String, Vec<u8>)>,
    /// Packages of Debian, in place of entries.
    packages: Vec<String>,
    compression: Compression,
}

/// What a layer is compressed with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Nothing.
    #[default]
    None,
    /// Gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A layer in a folder of blobs.
pub(super) struct Blob {
    pub(super) digest: Digest,
    pub(super) diff_id: Digest,
    pub(super) size: u64,
    pub(super) compression: Compression,
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(0);
    header
}

impl Layer {
    /// These packages of Debian with all that they depend on.
    #[must_use]
    pub fn packages(names: &[String]) -> Self {
        Self { packages: names.to_vec(), ..Self::default() }
    }

    fn add(mut self, header: Header, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.entries.push((header, path.to_owned(), content.into()));
        self
    }

    /// An executable file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.add(header(EntryType::Regular, 0o755), path, content.as_ref())
    }

    /// A folder.
    #[must_use]
    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.add(header(EntryType::Directory, mode), path, [])
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    /// A hard link.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    fn link(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        // The target is set when the archive is written, since it may be long.
        self.entries.push((header(kind, 0o777), path.to_owned(), target.into()));
        self
    }

    /// A FIFO.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        self.add(header(EntryType::Fifo, 0o644), path, [])
    }

    /// Changes mode and owner of an entry.
    ///
    /// # Panics
    ///
    /// There is no such entry.
    #[must_use]
    pub fn owned(mut self, path: &str, mode: u32, owner: u64) -> Self {
        let (header, ..) = self.entries.iter_mut().find(|entry| entry.1 == path).expect("an entry");
        header.set_mode(mode);
        header.set_uid(owner);
        self
    }

    /// A program of this machine with its libraries.
    ///
    /// # Panics
    ///
    /// The program cannot be read.
    #[must_use]
    pub fn program(self, from: &str, to: &str) -> Self {
        debian::libraries(from).iter().fold(self.copy(from, to), |layer, path| layer.copy(path, path))
    }

    /// The same with the libraries in another folder.
    ///
    /// # Panics
    ///
    /// The program cannot be read.
    #[must_use]
    pub fn program_with_libraries(self, from: &str, to: &str, folder: &str) -> Self {
        debian::libraries(from).iter().fold(self.copy(from, to), |layer, path| {
            layer.copy(path, &format!("{folder}/{}", path.rsplit('/').next().unwrap_or_default()))
        })
    }

    fn copy(self, from: &str, to: &str) -> Self {
        self.file(to.trim_start_matches('/'), fs::read(from).expect("a file of this machine"))
    }

    /// A program in C, without headers, linked with musl. musl itself is another layer.
    #[must_use]
    pub fn musl_program(self, path: &str, source: &str) -> Self {
        self.file(path, debian::musl_program(source))
    }

    /// Compresses the layer.
    #[must_use]
    pub fn compressed(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The layer as a tar archive, uncompressed, without packages.
    ///
    /// # Panics
    ///
    /// The target of a link is not text.
    #[must_use]
    pub fn archive(&self) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (header, path, content) in &self.entries {
            let mut header = header.clone();
            match header.entry_type() {
                EntryType::Symlink | EntryType::Link => {
                    let target = str::from_utf8(content).expect("text");
                    builder.append_link(&mut header, path, target)
                }
                _ => {
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, path, &**content)
                }
            }
            .expect("memory");
        }
        builder.into_inner().expect("memory")
    }

    /// Writes the layer into a folder of blobs.
    pub(super) fn write(&self, blobs: &Path) -> Blob {
        if !self.packages.is_empty() {
            // It is large, and not copied.
            let (path, hex) = debian::packages(&self.packages);
            let _ = symlink(&path, blobs.join(&hex));
            let digest: Digest = format!("sha256:{hex}").parse().expect("a digest");
            let size = path.metadata().expect("a file").len();
            return Blob { diff_id: digest.clone(), digest, size, compression: Compression::None };
        }
        let archive = self.archive();
        let diff_id = Digest::of(&archive);
        let content = match self.compression {
            Compression::None => archive,
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(&archive).expect("memory");
                encoder.finish().expect("memory")
            }
            Compression::Zstd => compress_to_vec(&*archive, CompressionLevel::Fastest),
        };
        let digest = Digest::of(&content);
        fs::write(blobs.join(digest.hex()), &content).expect("a blob");
        Blob { digest, diff_id, size: content.len() as u64, compression: self.compression }
    }
}
