//! Tar archives as an attacker writes them: no name and no number is checked.

use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;
use tar::{EntryType, Header};

/// An archive that is being written.
#[derive(Clone, Default)]
pub(in crate::images) struct Archive(Vec<u8>);

impl Archive {
    /// An entry with a header that is changed before it is written, and what follows it.
    pub(in crate::images) fn raw(
        mut self,
        kind: EntryType,
        path: &[u8],
        content: &[u8],
        change: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        change(&mut header);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(in crate::images) fn entry(self, kind: EntryType, path: &str) -> Self {
        self.raw(kind, path.as_bytes(), b"", |_| {})
    }

    pub(in crate::images) fn file(self, path: &str, content: &str) -> Self {
        self.raw(EntryType::Regular, path.as_bytes(), content.as_bytes(), |_| {})
    }

    pub(in crate::images) fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        self.raw(kind, path.as_bytes(), b"", |header| {
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        })
    }

    pub(in crate::images) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    /// A file of a longer path, by an extended header of GNU's tar.
    pub(in crate::images) fn long(self, path: &str) -> Self {
        self.raw(EntryType::GNULongName, b"././@LongLink", path.as_bytes(), |_| {}).file("short", "")
    }

    /// The records of an extended header of POSIX.
    pub(in crate::images) fn records(self, records: &[u8]) -> Self {
        self.raw(EntryType::XHeader, b"records", records, |_| {})
    }

    /// Another archive behind this one.
    pub(in crate::images) fn then(mut self, next: &Self) -> Self {
        self.0.extend(&next.0);
        self
    }

    pub(in crate::images) fn repeated(&self, times: usize) -> Self {
        Self(self.0.repeat(times))
    }

    /// The bytes without the end of the archive, which no reader needs.
    pub(in crate::images) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

pub(in crate::images) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub(in crate::images) fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}
