//! The files of a folder or of a tar archive, by their paths.

use crate::{ImageError, unpack::Extensions};
use rustix::fs::{Mode, OFlags};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};
use tar::{Archive, EntryType};

/// Bytes of a manifest.
const MAX_DOCUMENT: u64 = 4 << 20;
/// Files of an archive: an image has some hundred.
const MAX_FILES: usize = 100_000;
/// Bytes of all names, which are kept in memory.
const MAX_NAME_BYTES: usize = 32 << 20;
/// Bytes of a path and of a link's target.
const MAX_PATH: usize = 4096;

/// A folder, or an archive with the places of its files.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    archive: Option<BTreeMap<String, Place>>,
}

/// Where a file of an archive is.
#[derive(Debug, Clone)]
enum Place {
    Content {
        offset: u64,
        size: u64,
    },
    /// The archive of `docker save` has an equal layer once.
    LinkTo(String),
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let metadata = path.metadata().map_err(ImageError::io(format!("open {}", path.display())))?;
        let archive = if metadata.is_dir() { None } else { Some(places(path)?) };
        Ok(Self { path: path.to_owned(), archive })
    }

    pub(super) fn not_loadable(&self, problem: String) -> ImageError {
        ImageError::NotLoadable { file: self.path.display().to_string(), problem }
    }

    /// The content of a small file, if it is there.
    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(file) = self.find(path)? else { return Ok(None) };
        let mut content = Vec::new();
        file.take(MAX_DOCUMENT + 1).read_to_end(&mut content).map_err(self.read_failed(path))?;
        if content.len() as u64 > MAX_DOCUMENT {
            return Err(self.not_loadable(format!("{path:?} has more than {MAX_DOCUMENT} bytes")));
        }
        Ok(Some(content))
    }

    /// A file that an image needs.
    pub(super) fn require(&self, path: &str) -> Result<impl Read + use<>, ImageError> {
        self.find(path)?.ok_or_else(|| self.not_loadable(format!("{path:?} is missing")))
    }

    fn find(&self, path: &str) -> Result<Option<impl Read + use<>>, ImageError> {
        let Some(places) = &self.archive else {
            return match below(&self.path, path).and_then(|path| open(&path)) {
                Ok(file) => Ok(Some(BufReader::new(file).take(u64::MAX))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.read_failed(path)(error)),
            };
        };
        let place = match places.get(path) {
            Some(Place::LinkTo(target)) => places.get(target),
            place => place,
        };
        let Some(Place::Content { offset, size }) = place else { return Ok(None) };
        let mut file = open(&self.path).map_err(self.read_failed(path))?;
        file.seek(SeekFrom::Start(*offset)).map_err(self.read_failed(path))?;
        Ok(Some(BufReader::new(file).take(*size)))
    }

    fn read_failed(&self, path: &str) -> impl FnOnce(io::Error) -> ImageError + use<> {
        ImageError::io(format!("read {path:?} of {}", self.path.display()))
    }
}

/// The path of a file in a folder. The folder may have links, and none may lead out of it: anyone may have made
/// the folder, and an image with another file of this machine would show it to programs.
fn below(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let found = folder.join(path).canonicalize()?;
    if found.starts_with(folder.canonicalize()?) {
        return Ok(found);
    }
    Err(io::Error::other("it is not in the folder"))
}

/// Opens a regular file. Another kind of file must not block.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Where the files of an archive are.
fn places(path: &Path) -> Result<BTreeMap<String, Place>, ImageError> {
    let not_loadable = |problem| ImageError::NotLoadable { file: path.display().to_string(), problem };
    let failed = |error: io::Error| not_loadable(format!("it is no uncompressed tar archive: {error}"));
    let refused = |error| match error {
        ImageError::Archive(problem) => not_loadable(problem),
        error => error,
    };
    let file = open(path).map_err(ImageError::io(format!("open {}", path.display())))?;
    let mut archive = Archive::new(BufReader::new(file));
    let (mut places, mut extensions, mut name_bytes) = (BTreeMap::new(), Extensions::default(), 0);
    for entry in archive.entries_with_seek().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        if extensions.read(&mut entry).map_err(refused)? {
            continue;
        }
        let header = std::mem::take(&mut extensions).complete(&entry).map_err(refused)?;
        let Some(name) = clean(&header.path, "") else { continue };
        name_bytes += header.path.len() + header.target.len();
        let kind = header.kind;
        let place = match kind {
            EntryType::Regular | EntryType::Continuous => {
                Place::Content { offset: entry.raw_file_position(), size: entry.size() }
            }
            EntryType::Link | EntryType::Symlink => {
                // A symbolic link is relative to its folder.
                let folder = if kind == EntryType::Symlink {
                    name.rsplit_once('/').map_or("", |(f, _)| f)
                } else {
                    ""
                };
                match clean(&header.target, folder) {
                    Some(target) => Place::LinkTo(target),
                    None => continue,
                }
            }
            _ => continue,
        };
        places.insert(name, place);
        if places.len() > MAX_FILES || name_bytes > MAX_NAME_BYTES {
            let problem = format!("it has more than {MAX_FILES} files, or {MAX_NAME_BYTES} bytes of names");
            return Err(not_loadable(problem));
        }
    }
    Ok(places)
}

/// A path of an archive without `.` and `..`; none for one that no image names.
fn clean(path: &[u8], folder: &str) -> Option<String> {
    let path = std::str::from_utf8(path).ok().filter(|path| path.len() <= MAX_PATH)?;
    let mut names: Vec<_> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => _ = names.pop()?,
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}
