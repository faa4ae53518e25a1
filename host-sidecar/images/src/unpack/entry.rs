//! The entries of a layer, with what extended headers say about each.

use super::{
    limits::MAX_EXTENSION,
    pax::{self, records},
};
use crate::{ImageError, tree::Metadata};
use std::io::Read;
use tar::{Entry, EntryType};

/// What extended headers have said about the entry that follows them.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<(u64, u32)>,
}

/// The header of an entry, completed by its extended headers.
#[derive(Debug)]
pub(crate) struct EntryHeader {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: EntryType,
    /// The target of a link.
    pub(crate) target: Vec<u8>,
    pub(crate) metadata: Metadata,
}

impl Extensions {
    /// Reads an extended header; false if the entry is none.
    pub(crate) fn read<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<bool, ImageError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.path = Some(long_name(entry)?),
            EntryType::GNULongLink => self.target = Some(long_name(entry)?),
            EntryType::XHeader => self.add_records(&content(entry)?)?,
            // It describes the archive, as that of `git archive`.
            EntryType::XGlobalHeader => _ = content(entry)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add_records(&mut self, header: &[u8]) -> Result<(), ImageError> {
        let malformed = || ImageError::Archive("an extended header is malformed".into());
        for (key, value) in records(header).ok_or_else(malformed)? {
            match key {
                b"path" => self.path = Some(value.to_owned()),
                b"linkpath" => self.target = Some(value.to_owned()),
                b"size" => self.size = Some(number(value).ok_or_else(malformed)?),
                b"uid" => self.uid = Some(number(value).ok_or_else(malformed)?),
                b"gid" => self.gid = Some(number(value).ok_or_else(malformed)?),
                b"mtime" => self.mtime = Some(pax::time(value).ok_or_else(malformed)?),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(ImageError::Archive("it has a sparse file, which is not supported".into()));
                }
                // Extended attributes and names of users, among others.
                _ => {}
            }
        }
        Ok(())
    }

    /// The header of the entry that they precede.
    pub(crate) fn complete<R: Read>(self, entry: &Entry<'_, R>) -> Result<EntryHeader, ImageError> {
        let header = entry.header();
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        // An archive that is read differently by two programs is an attack or an accident.
        if self.size.is_some_and(|size| size != entry.size()) {
            return Err(ImageError::archive_entry(
                &path,
                "its headers name different sizes; the limit is 8 GiB",
            ));
        }
        // Some tools leave fields empty.
        let owner = |named: Option<u32>, id: u64| match named {
            Some(named) => Ok(named),
            None => u32::try_from(id).map_err(|_| ImageError::archive_entry(&path, "its owner is invalid")),
        };
        let uid = owner(self.uid, header.uid().unwrap_or_default())?;
        let gid = owner(self.gid, header.gid().unwrap_or_default())?;
        let mtime = match self.mtime {
            Some(mtime) => mtime,
            // A time that the header cannot express is before 1970.
            None => (
                header.mtime().ok().and_then(|time| i64::try_from(time).ok()).map_or(0, i64::unsigned_abs),
                0,
            ),
        };
        let metadata = Metadata::new(header.mode().unwrap_or_default(), uid, gid, mtime);
        let target = self.target.or_else(|| header.link_name_bytes().map(Into::into)).unwrap_or_default();
        let kind = match header.entry_type() {
            // So did archives before POSIX.
            kind if kind.is_file() && path.ends_with(b"/") => EntryType::Directory,
            kind => kind,
        };
        Ok(EntryHeader { path, kind, target, metadata })
    }
}

/// The content of an extended header.
fn content<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    if entry.size() > MAX_EXTENSION {
        return Err(ImageError::Archive(format!("an extended header has more than {MAX_EXTENSION} bytes")));
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(|error| ImageError::Archive(error.to_string()))?;
    Ok(content)
}

/// A long name of GNU's tar, which ends with a zero byte.
fn long_name<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    let mut name = content(entry)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
