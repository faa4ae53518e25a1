//! Files that are named or found: only regular ones are read, up to a bound, and none is waited for.

use rustix::{
    fs::{Mode, OFlags, open as open_at},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// What to do where the last part of a path is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Read what it leads to.
    Follow,
    /// Fail.
    Refuse,
}

/// Opens a regular file for reading.
///
/// # Errors
///
/// Those of open(2), and one of its own for whatever is not a regular file.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    let no_follow = if links == Links::Refuse { OFlags::NOFOLLOW } else { OFlags::empty() };
    // Opening a FIFO must not wait for a writer, nor a terminal become ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | no_follow;
    let file = match open_at(path, flags, Mode::empty()) {
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
/// Those of [`open`], and [`io::ErrorKind::FileTooLarge`] for one of more than `most` bytes.
pub fn read(path: &Path, most: usize, links: Links) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path, links)?.take(most as u64 + 1).read_to_end(&mut content)?;
    if content.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::symlink, process};

    #[test]
    fn only_regular_files_are_read_and_only_up_to_the_bound() {
        let folder = env::temp_dir().join(format!("cofferdam-regular-file-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| folder.join(name));
        fs::write(&file, "12345").expect("a file");
        symlink(&file, &link).expect("a link");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).expect("a FIFO");
        let read = |path: &Path, most, links| read(path, most, links).map_err(|error| error.to_string());
        assert_eq!(read(&file, 5, Links::Refuse), Ok(b"12345".to_vec()));
        assert_eq!(read(&link, 5, Links::Follow), Ok(b"12345".to_vec()));
        for (path, most, links, part) in [
            (file.as_path(), 4, Links::Follow, "more than 4 bytes"),
            (&link, 5, Links::Refuse, "symbolic link"),
            (&fifo, 5, Links::Follow, "not a regular file"),
            (&folder, 5, Links::Follow, "directory"),
            (Path::new("/dev/zero"), 5, Links::Follow, "not a regular file"),
        ] {
            let error = read(path, most, links).expect_err("refused");
            assert!(error.contains(part), "{}: {error}", path.display());
        }
        fs::remove_dir_all(&folder).expect("removed");
    }
}
