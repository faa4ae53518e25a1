//! Encodes the entries of a directory as a tar archive. Pure.

use axum::body::Bytes;
use cofferdam_core::session::{FileEntry, FileKind};
use cofferdam_types::PERMISSIONS;
use std::{
    ffi::OsStr,
    io::{self, ErrorKind},
    mem::take,
    os::unix::ffi::OsStrExt,
    path::Path,
};
use tar::{Builder, EntryType, Header};

/// Bytes of a block.
const BLOCK: u64 = 512;

/// Encodes entries, each followed by its content.
pub(crate) struct TarEncoder {
    builder: Builder<Vec<u8>>,
    /// Bytes of the last file that are missing.
    missing: u64,
    /// Zeros after the last file.
    padding: usize,
}

impl TarEncoder {
    pub(crate) fn new() -> Self {
        Self { builder: Builder::new(Vec::new()), missing: 0, padding: 0 }
    }

    /// The head of an entry. Fails if the last file was shorter than its head says, or if the path is not relative.
    pub(crate) fn entry(&mut self, entry: &FileEntry) -> io::Result<Bytes> {
        self.end_file()?;
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode & PERMISSIONS);
        header.set_mtime(entry.modified.as_secs());
        header.set_size(0);
        let path = Path::new(OsStr::from_bytes(&entry.path));
        match entry.kind {
            FileKind::File => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(entry.size);
                self.missing = entry.size;
                self.padding =
                    usize::try_from(entry.size.next_multiple_of(BLOCK) - entry.size).unwrap_or_default();
                self.builder.append_data(&mut header, path, io::empty())?;
            }
            FileKind::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.builder.append_data(&mut header, path, io::empty())?;
            }
            FileKind::Link => {
                header.set_entry_type(EntryType::Symlink);
                self.builder.append_link(&mut header, path, OsStr::from_bytes(&entry.target))?;
            }
            // An archive has no such entry.
            FileKind::Other => {}
        }
        Ok(take(self.builder.get_mut()).into())
    }

    /// The next bytes of the last file. Those that a file has got since its head was read are left out.
    pub(crate) fn content(&mut self, mut bytes: Bytes) -> Bytes {
        bytes.truncate(usize::try_from(self.missing).unwrap_or(usize::MAX));
        self.missing -= bytes.len() as u64;
        bytes
    }

    /// The end of the archive.
    pub(crate) fn finish(mut self) -> io::Result<Bytes> {
        self.end_file()?;
        self.builder.into_inner().map(Bytes::from)
    }

    fn end_file(&mut self) -> io::Result<()> {
        if self.missing > 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "a file became shorter while it was read"));
        }
        let padding = take(&mut self.padding);
        self.builder.get_mut().extend(std::iter::repeat_n(0, padding));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, time::Duration};

    fn entry(path: &[u8], kind: FileKind, size: u64) -> FileEntry {
        let (path, target) = (path.to_vec(), b"../t".to_vec());
        FileEntry { path, kind, size, mode: 0o100_640, modified: Duration::from_secs(7), target }
    }

    #[test]
    fn an_archive_has_every_entry_with_its_bytes() {
        let long = [b"d/".as_slice(), &[b'x'; 200], b"/\xff"].concat();
        let mut encoder = TarEncoder::new();
        let mut archive = encoder.entry(&entry(b"d", FileKind::Directory, 0)).expect("a head").to_vec();
        for (path, content) in [(&long[..], &b"abc"[..]), (b"empty", b""), (b"block", &[7; 512])] {
            archive
                .extend(encoder.entry(&entry(path, FileKind::File, content.len() as u64)).expect("a head"));
            for byte in content {
                archive.extend(encoder.content(Bytes::copy_from_slice(&[*byte])));
            }
            // It has grown meanwhile.
            archive.extend(encoder.content(Bytes::from_static(b"more")));
        }
        archive.extend(encoder.entry(&entry(b"l", FileKind::Link, 4)).expect("a head"));
        archive.extend(encoder.entry(&entry(b"fifo", FileKind::Other, 0)).expect("no head"));
        archive.extend(encoder.finish().expect("an end"));
        let mut found = Vec::new();
        for entry in tar::Archive::new(&archive[..]).entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            assert_eq!((entry.header().mode().ok(), entry.header().mtime().ok()), (Some(0o640), Some(7)));
            let path = entry.path_bytes().into_owned();
            let target = entry.link_name_bytes().map(|target| target.into_owned());
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("content");
            found.push((path, target, content));
        }
        let expected = [
            (b"d".to_vec(), None, vec![]),
            (long, None, b"abc".to_vec()),
            (b"empty".to_vec(), None, vec![]),
            (b"block".to_vec(), None, vec![7; 512]),
            (b"l".to_vec(), Some(b"../t".to_vec()), vec![]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_became_shorter_ends_the_archive() {
        let mut encoder = TarEncoder::new();
        encoder.entry(&entry(b"a", FileKind::File, 5)).expect("a head");
        encoder.content(Bytes::from_static(b"abcd"));
        assert!(encoder.entry(&entry(b"b", FileKind::File, 0)).is_err());
        assert!(encoder.finish().is_err());
    }
}
