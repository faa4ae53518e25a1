//! Collects files of the working directory after the program's processes have exited.

use crate::{
    channel::Channel,
    error::Error,
    inputs::{Inputs, permissions},
    workspace::WORK_DIR,
};
use cofferdam_protocol::{Frame, MAX_SKIPPED, Program};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Longest path in bytes that the contract allows.
const MAX_PATH: usize = 255;
/// Most directory entries that are read. Hard links allow any number of them.
const MAX_NAMES: usize = 100_000;

/// Sends every file of the working directory that matches a pattern, ordered by path.
pub(crate) fn send_files(channel: &mut Channel, program: &Program, inputs: &Inputs) -> Result<(), Error> {
    if program.collect.is_empty() {
        return Ok(());
    }
    let mut budget = Budget { files: program.limits.collected_files, bytes: program.limits.collected_bytes };
    let mut skipped = 0;
    for (path, entry) in matching_entries(program) {
        let content = match entry {
            Entry::File(file) => read_file(inputs, &path, &file, &mut budget),
            Entry::Unreadable(reason) => Err(reason),
        };
        match content {
            Ok(Some((mode, content))) => channel.send(&Frame::File(path, mode, content))?,
            Ok(None) => {}
            Err(reason) => {
                skipped += 1;
                if skipped <= MAX_SKIPPED {
                    channel.send(&Frame::Skipped(path, reason))?;
                }
            }
        }
    }
    if skipped > MAX_SKIPPED {
        let reason = format!("{} more files were not brought back", skipped - MAX_SKIPPED);
        channel.send(&Frame::Skipped("…".into(), reason))?;
    }
    Ok(())
}

/// What may still be collected.
struct Budget {
    files: u32,
    bytes: u64,
}

impl Budget {
    /// Returns the reason why a file of this size cannot be collected.
    fn check(&self, bytes: u64) -> Result<(), String> {
        if self.files == 0 {
            return Err("as many files as allowed were brought back before it".into());
        }
        if bytes > self.bytes {
            return Err(format!("has {bytes} bytes, of which {} more are allowed", self.bytes));
        }
        Ok(())
    }
}

enum Entry {
    File(PathBuf),
    /// A directory that cannot be read, and why.
    Unreadable(String),
}

/// Returns, by path, everything but directories that matches a pattern, and the directories that cannot be
/// read. U+FFFD replaces bytes of a path that are not UTF-8.
fn matching_entries(program: &Program) -> BTreeMap<String, Entry> {
    let mut matching = BTreeMap::new();
    let mut directories = vec![PathBuf::from(WORK_DIR)];
    let mut names = 0;
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                matching.insert(relative(&directory), Entry::Unreadable(read_error(&error)));
                continue;
            }
        };
        for entry in entries.flatten() {
            names += 1;
            if names > MAX_NAMES {
                let reason = format!("more than {MAX_NAMES} names; the rest was not read");
                matching.insert(relative(&directory), Entry::Unreadable(reason));
                return matching;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
                continue;
            }
            let path = relative(&entry.path());
            let matches = program.collect.iter().any(|pattern| fast_glob::glob_match(pattern, &path));
            if matches && path != program.file {
                matching.insert(path, Entry::File(entry.path()));
            }
        }
    }
    matching
}

/// The path relative to the working directory.
fn relative(path: &Path) -> String {
    match path.strip_prefix(WORK_DIR).unwrap_or(path).to_string_lossy() {
        name if name.is_empty() => ".".into(),
        name => name.into_owned(),
    }
}

/// Reads the permissions and the content of a file. Returns `None` if it is an unchanged input, or the reason why it
/// is skipped.
fn read_file(
    inputs: &Inputs,
    name: &str,
    path: &Path,
    budget: &mut Budget,
) -> Result<Option<(u32, Vec<u8>)>, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| read_error(&error))?;
    if path.strip_prefix(WORK_DIR).is_ok_and(|path| str::from_utf8(path.as_os_str().as_bytes()).is_err()) {
        return Err("its path is not UTF-8".into());
    }
    if inputs.is_unchanged(name, &metadata).map_err(|error| read_error(&error))? {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(if metadata.is_symlink() { "is a symbolic link" } else { "is not a regular file" }.into());
    }
    if name.len() > MAX_PATH {
        return Err(format!("its path is longer than {MAX_PATH} bytes"));
    }
    budget.check(metadata.len())?;
    let content = fs::read(path).map_err(|error| read_error(&error))?;
    budget.check(content.len() as u64)?;
    budget.files -= 1;
    budget.bytes -= content.len() as u64;
    Ok(Some((permissions(&metadata), content)))
}

fn read_error(error: &io::Error) -> String {
    format!("cannot be read: {}", error.kind())
}
