//! Reads regular files up to a maximum size. Never blocks on another kind of file, such as a FIFO.

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    path::Arg,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    path::Path,
};

/// Opening a FIFO must not block, and a terminal must not become the controlling one.
pub(crate) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// What to do if the last component of a path is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Open its target.
    Follow,
    /// Fail.
    Refuse,
}

/// Opens a regular file for reading.
///
/// # Errors
///
/// Those of open(2). The path is not a regular file, or is a symbolic link that is refused.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    open_at(CWD, path, links)
}

/// The same for a path that is relative to a directory.
///
/// # Errors
///
/// Those of [`open`].
pub fn open_at(directory: impl AsFd, path: impl Arg, links: Links) -> io::Result<File> {
    let no_follow = if links == Links::Refuse { OFlags::NOFOLLOW } else { OFlags::empty() };
    let file = match openat(directory, path, READ | no_follow, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) if links == Links::Refuse => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok(file),
        false if metadata.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Reads a regular file.
///
/// # Errors
///
/// Those of [`open`], and [`io::ErrorKind::FileTooLarge`] for one of more than `max` bytes.
pub fn read(path: &Path, max: usize, links: Links) -> io::Result<Vec<u8>> {
    read_open(open(path, links)?, max)
}

/// The same for a file that is open.
///
/// # Errors
///
/// Those of [`read`].
pub fn read_open(file: File, max: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut content)?;
    if content.len() > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::symlink, process};

    #[test]
    fn only_regular_files_up_to_the_maximum_size_are_read() {
        let dir = env::temp_dir().join(format!("cofferdam-regular-file-{}", process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| dir.join(name));
        fs::write(&file, "12345").expect("a file");
        symlink(&file, &link).expect("a link");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).expect("a FIFO");
        let read = |path: &Path, max, links| read(path, max, links).map_err(|error| error.to_string());
        assert_eq!(read(&file, 5, Links::Refuse), Ok(b"12345".to_vec()));
        assert_eq!(read(&link, 5, Links::Follow), Ok(b"12345".to_vec()));
        for (path, max, links, part) in [
            (file.as_path(), 4, Links::Follow, "more than 4 bytes"),
            (&link, 5, Links::Refuse, "symbolic link"),
            (&fifo, 5, Links::Follow, "not a regular file"),
            (&dir, 5, Links::Follow, "directory"),
            (Path::new("/dev/zero"), 5, Links::Follow, "not a regular file"),
        ] {
            let error = read(path, max, links).expect_err("refused");
            assert!(error.contains(part), "{}: {error}", path.display());
        }
        fs::remove_dir_all(&dir).expect("removed");
    }
}
