//! Decodes a tar archive as its bytes come, in the forms of POSIX and GNU. Pure.

use axum::body::Bytes;
use cofferdam_core::session::{EntryKind, InputEntry};
use cofferdam_types::{PERMISSIONS, quoted};
use tar::{EntryType, Header, PaxExtensions};

/// Bytes of a block.
const BLOCK: usize = 512;
/// Bytes of the longest name or extended header.
const MAX_EXTENSION: u64 = 64 << 10;

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the archive {0}")]
pub(crate) struct Malformed(String);

/// A part of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TarPart {
    /// The next entry.
    Entry(InputEntry),
    /// The next bytes of the last entry, a file.
    Content(Bytes),
    /// The end of the archive. What follows it does not matter.
    End,
}

/// Decodes an archive.
#[derive(Debug, Default)]
pub(crate) struct TarDecoder {
    /// Bytes that are not decoded yet.
    pending: Bytes,
    state: State,
    /// What extensions say of the next entry.
    extended: Extended,
}

#[derive(Debug, Default)]
enum State {
    /// The next block is a header, of which this is there.
    #[default]
    Header,
    HeaderPart(Vec<u8>),
    /// The content of a file.
    Content {
        missing: u64,
        padding: u64,
    },
    /// An extension of the next entry.
    Extension {
        kind: EntryType,
        content: Vec<u8>,
        missing: u64,
        padding: u64,
    },
    Padding(u64),
    Ended,
}

/// What extensions say of an entry.
#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

impl TarDecoder {
    /// Adds the next bytes. All parts of the bytes before have to be taken.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.pending = bytes;
    }

    /// Whether the archive may end here.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(
            self.state,
            State::Ended | State::Header | State::Padding(0) | State::Content { missing: 0, padding: 0 }
        )
    }

    /// The next part; none if more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<TarPart>, Malformed> {
        while !self.pending.is_empty()
            || matches!(self.state, State::Ended | State::Extension { missing: 0, .. })
        {
            if let Some(part) = self.step()? {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<TarPart>, Malformed> {
        match std::mem::take(&mut self.state) {
            State::Header => self.header_part(Vec::with_capacity(BLOCK)),
            State::HeaderPart(block) => self.header_part(block),
            State::Content { missing: 0, padding } | State::Padding(padding) => {
                let left = padding - self.take(padding).len() as u64;
                self.state = if left == 0 { State::Header } else { State::Padding(left) };
                Ok(None)
            }
            State::Content { missing, padding } => {
                let bytes = self.take(missing);
                let missing = missing - bytes.len() as u64;
                self.state = State::Content { missing, padding };
                Ok(Some(TarPart::Content(bytes)))
            }
            State::Extension { kind, content, missing: 0, padding } => {
                self.extended.read(kind, &content)?;
                self.state = State::Padding(padding);
                Ok(None)
            }
            State::Extension { kind, mut content, missing, padding } => {
                let bytes = self.take(missing);
                content.extend_from_slice(&bytes);
                let missing = missing - bytes.len() as u64;
                self.state = State::Extension { kind, content, missing, padding };
                Ok(None)
            }
            State::Ended => {
                self.state = State::Ended;
                self.pending.clear();
                Ok(Some(TarPart::End))
            }
        }
    }

    /// Takes at most so many bytes of what is pending.
    fn take(&mut self, max: u64) -> Bytes {
        let length = usize::try_from(max).unwrap_or(usize::MAX).min(self.pending.len());
        self.pending.split_to(length)
    }

    fn header_part(&mut self, mut block: Vec<u8>) -> Result<Option<TarPart>, Malformed> {
        block.extend_from_slice(&self.take((BLOCK - block.len()) as u64));
        if block.len() < BLOCK {
            self.state = State::HeaderPart(block);
            return Ok(None);
        }
        if block.iter().all(|byte| *byte == 0) {
            self.state = State::Ended;
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block);
        if header.cksum().ok() != Some(checksum(&block)) {
            return Err(malformed("is malformed: a header has a wrong checksum"));
        }
        self.header(header)
    }

    fn header(&mut self, header: &Header) -> Result<Option<TarPart>, Malformed> {
        let size =
            header.entry_size().map_err(|_| malformed("is malformed: the size of an entry is no number"))?;
        let kind = header.entry_type();
        match kind {
            EntryType::XGlobalHeader
            | EntryType::XHeader
            | EntryType::GNULongName
            | EntryType::GNULongLink => {
                if size > MAX_EXTENSION {
                    return Err(malformed("has a name or an extended header that is too long"));
                }
                self.state =
                    State::Extension { kind, content: Vec::new(), missing: size, padding: padding(size) };
                Ok(None)
            }
            _ => self.entry(header, size),
        }
    }

    fn entry(&mut self, header: &Header, size: u64) -> Result<Option<TarPart>, Malformed> {
        let Extended { path, target, size: extended_size } = std::mem::take(&mut self.extended);
        let (path, size) = (
            path_of(&path.unwrap_or_else(|| header.path_bytes().into_owned()))?,
            extended_size.unwrap_or(size),
        );
        self.state = State::Padding(size.saturating_add(padding(size)));
        let mode = header.mode().unwrap_or_default() & PERMISSIONS;
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                self.state = State::Content { missing: size, padding: padding(size) };
                EntryKind::File(mode)
            }
            EntryType::Directory => EntryKind::Directory(mode),
            EntryType::Symlink => {
                let target = target.or_else(|| header.link_name_bytes().map(|target| target.into_owned()));
                EntryKind::Link(text(target.unwrap_or_default())?)
            }
            EntryType::Link => {
                return Err(refused(&path, "a hard link; make a copy or a symbolic link of it"));
            }
            EntryType::GNUSparse => {
                return Err(refused(&path, "a sparse file; archive it without `--sparse`"));
            }
            _ => return Err(refused(&path, "neither a file nor a directory nor a symbolic link")),
        };
        if path.is_empty() && !matches!(kind, EntryKind::Directory(_)) {
            return Err(malformed("has a file or a link without a name"));
        }
        // The directory itself, as `tar -C DIR .` has it.
        Ok((!path.is_empty()).then_some(TarPart::Entry(InputEntry { path, kind })))
    }
}

impl Extended {
    fn read(&mut self, kind: EntryType, content: &[u8]) -> Result<(), Malformed> {
        let name = || content.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        match kind {
            EntryType::GNULongName => self.path = Some(name()),
            EntryType::GNULongLink => self.target = Some(name()),
            EntryType::XHeader => {
                for extension in PaxExtensions::new(content) {
                    let extension =
                        extension.map_err(|_| malformed("is malformed: an extended header is"))?;
                    let value = extension.value_bytes();
                    match extension.key_bytes() {
                        b"path" => self.path = Some(value.to_vec()),
                        b"linkpath" => self.target = Some(value.to_vec()),
                        b"size" => self.size = Some(number(value)?),
                        _ => {}
                    }
                }
            }
            // What a global header has does not concern paths and contents.
            _ => {}
        }
        Ok(())
    }
}

fn number(value: &[u8]) -> Result<u64, Malformed> {
    let number = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| malformed("is malformed: the size of an entry is no number"))
}

/// The sum of all bytes of a header, in which the checksum counts as spaces.
fn checksum(block: &[u8]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte });
    block.iter().enumerate().map(byte).sum()
}

fn padding(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).map_or(0, |whole| whole - size)
}

/// A relative path without `.` and without a slash at its end. Empty for the directory itself.
fn path_of(bytes: &[u8]) -> Result<String, Malformed> {
    let path = text(bytes.to_vec())?;
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if path.starts_with('/') || parts.contains(&"..") {
        return Err(Malformed(format!("has the path {}, which leads out of the directory", quoted(&path))));
    }
    Ok(parts.join("/"))
}

fn text(bytes: Vec<u8>) -> Result<String, Malformed> {
    String::from_utf8(bytes).map_err(|error| {
        let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
        Malformed(format!(
            "has the name {}, which is not UTF-8; write that file by its own path",
            quoted(&name)
        ))
    })
}

fn refused(path: &str, what: &str) -> Malformed {
    Malformed(format!("has the entry {}, which is {what}", quoted(path)))
}

fn malformed(text: &str) -> Malformed {
    Malformed(text.into())
}

/// The entries of an archive that comes in pieces of this size, each with its content. None if the archive is cut.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode_archive(archive: &[u8], size: usize) -> Result<Option<WholeEntries>, Malformed> {
    let (mut decoder, mut entries) = (TarDecoder::default(), WholeEntries::new());
    for piece in archive.chunks(size) {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(part) = decoder.next()? {
            match (part, entries.last_mut()) {
                (TarPart::Entry(entry), _) => entries.push((entry, Vec::new())),
                (TarPart::Content(bytes), Some((_, content))) => content.extend_from_slice(&bytes),
                (TarPart::Content(_), None) => {}
                (TarPart::End, _) => return Ok(Some(entries)),
            }
        }
    }
    Ok(decoder.is_complete().then_some(entries))
}

/// Entries with their contents.
#[cfg(any(test, fuzzing))]
type WholeEntries = Vec<(InputEntry, Vec<u8>)>;

#[cfg(test)]
mod tests;
