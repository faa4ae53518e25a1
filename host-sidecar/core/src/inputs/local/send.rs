//! Reads files and directories of this machine, and sends them as they are needed.

use super::{DIRECTORY, LocalInput, Opened, kind};
use crate::{
    inputs::{CHUNK, EntryKind, InputEntry, InputPart, InputSender, Inputs, check::stays_inside},
    os::regular_file::{self, Links},
};
use cofferdam_types::{
    Error, ErrorCode, PERMISSIONS, quoted,
    validation::{MAX_STREAMED_FILES, relative_path},
};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read},
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};
use tokio::task::spawn_blocking;

/// Streams files and directories, which a thread reads as they are needed. Each is taken when those before it
/// were sent.
#[must_use]
pub fn stream(sources: impl Iterator<Item = Result<LocalInput, Error>> + Send + 'static) -> Inputs {
    let (sender, wanted, inputs) = Inputs::on_demand();
    tokio::spawn(async move {
        // A thread that waited for an execution in the queue would be missing elsewhere.
        if wanted.await.is_ok() {
            spawn_blocking(move || send_all(sources, &sender));
        }
    });
    inputs
}

fn send_all(mut sources: impl Iterator<Item = Result<LocalInput, Error>>, sender: &InputSender) {
    let sent = sources.try_for_each(|source| send(&source.map_err(Stop::Failed)?, sender));
    match sent.and_then(|()| deliver(sender, InputPart::End)) {
        Ok(()) | Err(Stop::Unwanted) => {}
        Err(Stop::Failed(error)) => {
            sender.blocking_send(Err(error));
        }
    }
}

/// Why no more is sent.
enum Stop {
    Unwanted,
    Failed(Error),
}

fn deliver(sender: &InputSender, part: InputPart) -> Result<(), Stop> {
    if sender.blocking_send(Ok(part)) { Ok(()) } else { Err(Stop::Unwanted) }
}

fn send(source: &LocalInput, sender: &InputSender) -> Result<(), Stop> {
    let LocalInput { local, path, opened } = source;
    let place = Place { local: local.clone(), path: path.clone(), below: String::new() };
    match opened {
        Opened::File(file) => send_file(file, place, sender),
        Opened::Directory(directory) => {
            if !path.is_empty() {
                send_directory_entry(directory, &place, sender)?;
            }
            send_entries(directory, &place, sender)
        }
    }
}

/// Where an entry is.
struct Place {
    local: PathBuf,
    /// In the working directory.
    path: String,
    /// Below the directory that the caller has named.
    below: String,
}

impl Place {
    fn join(&self, name: &CStr) -> Result<Self, Stop> {
        let name_text = name.to_str();
        let joined =
            |path: &str, name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let local = self.local.join(name.to_string_lossy().as_ref());
        match name_text {
            Ok(name) => Ok(Self { local, path: joined(&self.path, name), below: joined(&self.below, name) }),
            Err(_) => Err(refused(&local, "has a name that is not UTF-8; rename it")),
        }
    }

    fn entry(&self, kind: EntryKind) -> Result<InputPart, Stop> {
        // Before anything below it is read.
        relative_path(&self.path)
            .map_err(|violation| refused(&self.local, &format!("cannot be sent: {violation}")))?;
        Ok(InputPart::Entry(InputEntry { path: self.path.clone(), kind }))
    }

    fn unreadable(&self, error: impl Into<io::Error>) -> Stop {
        refused(&self.local, &format!("cannot be read: {}", error.into()))
    }
}

fn send_directory_entry(directory: &OwnedFd, place: &Place, sender: &InputSender) -> Result<(), Stop> {
    let mode = fstat(directory).map_err(|error| place.unreadable(error))?.st_mode & PERMISSIONS;
    deliver(sender, place.entry(EntryKind::Directory(mode))?)
}

/// Sends what is in a directory, in the order of the names. The length of a path limits how deep it goes.
fn send_entries(directory: &OwnedFd, place: &Place, sender: &InputSender) -> Result<(), Stop> {
    for name in names(directory, place)? {
        let entry = place.join(&name)?;
        let stat =
            statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| entry.unreadable(error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let below = openat(directory, &name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
                    .map_err(|error| entry.unreadable(error))?;
                send_directory_entry(&below, &entry, sender)?;
                send_entries(&below, &entry, sender)?;
            }
            FileType::RegularFile => {
                let file = regular_file::open_at(directory, &name, Links::Refuse)
                    .map_err(|error| entry.unreadable(error))?;
                send_file(&file, entry, sender)?;
            }
            FileType::Symlink => {
                let target =
                    readlinkat(directory, &name, Vec::new()).map_err(|error| entry.unreadable(error))?;
                let inside = target.into_string().ok().filter(|target| stays_inside(&entry.below, target));
                let Some(target) = inside else {
                    return Err(refused(&entry.local, "is a symbolic link that leads out of the folder"));
                };
                deliver(sender, entry.entry(EntryKind::Link(target))?)?;
            }
            other => return Err(refused(&entry.local, kind(other))),
        }
    }
    Ok(())
}

/// The names in a directory, in order.
fn names(directory: &OwnedFd, place: &Place) -> Result<Vec<CString>, Stop> {
    let failed = |error| place.unreadable(error);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name);
        }
        if names.len() > MAX_STREAMED_FILES {
            return Err(refused(&place.local, &format!("has more than {MAX_STREAMED_FILES} entries")));
        }
    }
    names.sort();
    Ok(names)
}

/// Sends a file that has the same length and the same time of its last change before and after that.
fn send_file(file: &File, place: Place, sender: &InputSender) -> Result<(), Stop> {
    let metadata = || {
        let metadata = file.metadata()?;
        Ok((metadata.len(), metadata.modified()?, metadata.permissions().mode()))
    };
    let failed = |error: io::Error| place.unreadable(error);
    let before = metadata().map_err(failed)?;
    deliver(sender, place.entry(EntryKind::File(before.2 & PERMISSIONS))?)?;
    let mut sent = 0;
    loop {
        let mut chunk = Vec::new();
        let length = file.take(CHUNK as u64).read_to_end(&mut chunk).map_err(failed)?;
        sent += length as u64;
        if length == 0 || sent > before.0 {
            break;
        }
        deliver(sender, InputPart::Content(chunk))?;
    }
    if metadata().map_err(failed)? != before {
        return Err(refused(&place.local, "has changed while it was read; run again once it stays the same"));
    }
    if sent != before.0 {
        return Err(refused(
            &place.local,
            "has another length than its file system says, as files of /proc; copy it first",
        ));
    }
    Ok(())
}

fn refused(local: &Path, problem: &str) -> Stop {
    let local = quoted(&local.to_string_lossy());
    Stop::Failed(Error::new(ErrorCode::InvalidRequest, format!("{local} {problem}")))
}
