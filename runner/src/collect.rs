//! Bringing back the files that were asked for. Nothing of the program runs any more when this does.

use crate::{channel::Channel, error::Error, workspace::WORK};
use cofferdam_protocol::{Frame, MAX_SKIPPED, Program};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Longest path that the contract lets come back.
const MAX_PATH: usize = 255;
/// Names that are looked at: hard links make any number of them.
const MAX_NAMES: usize = 100_000;

/// Sends every file of the work directory that a pattern names, in the order of their paths.
pub(crate) fn send_files(channel: &mut Channel, program: &Program) -> Result<(), Error> {
    if program.collect.is_empty() {
        return Ok(());
    }
    let mut budget = Budget { files: program.limits.collected_files, bytes: program.limits.collected_bytes };
    let mut skipped = 0;
    for (path, found) in wanted(program) {
        let brought = match found {
            Found::File(file) => bring(program, &path, &file, &mut budget),
            Found::Unreadable(reason) => Err(reason),
        };
        match brought {
            Ok(Some(content)) => channel.send(&Frame::File(path, content))?,
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
        let more = format!("{} more files were not brought back", skipped - MAX_SKIPPED);
        channel.send(&Frame::Skipped("…".into(), more))?;
    }
    Ok(())
}

/// What may still be brought back.
struct Budget {
    files: u32,
    bytes: u64,
}

/// What a path leads to.
enum Found {
    File(PathBuf),
    Unreadable(String),
}

/// Everything but directories that a pattern names, by path, and the directories that cannot be looked into. A path that
/// is not UTF-8 appears with U+FFFD.
fn wanted(program: &Program) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    let mut directories = vec![PathBuf::from(WORK)];
    let mut names = 0;
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                found.insert(relative(&directory), Found::Unreadable(plain(&error)));
                continue;
            }
        };
        for entry in entries.flatten() {
            names += 1;
            if names > MAX_NAMES {
                let reason = format!("more than {MAX_NAMES} names; the rest was not looked at");
                found.insert(relative(&directory), Found::Unreadable(reason));
                return found;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
                continue;
            }
            let name = relative(&entry.path());
            let named = program.collect.iter().any(|pattern| fast_glob::glob_match(pattern, &name));
            if named && name != program.file {
                found.insert(name, Found::File(entry.path()));
            }
        }
    }
    found
}

/// The path as the caller knows it.
fn relative(path: &Path) -> String {
    match path.strip_prefix(WORK).unwrap_or(path).to_string_lossy() {
        name if name.is_empty() => ".".into(),
        name => name.into_owned(),
    }
}

/// The file's bytes, none if it is an input file as it came, or why it stays behind.
fn bring(program: &Program, name: &str, path: &Path, budget: &mut Budget) -> Result<Option<Vec<u8>>, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| plain(&error))?;
    if !metadata.is_file() {
        return Err(if metadata.is_symlink() { "is a symbolic link" } else { "is not a regular file" }.into());
    }
    if path.strip_prefix(WORK).is_ok_and(|path| str::from_utf8(path.as_os_str().as_bytes()).is_err()) {
        return Err("its path is not UTF-8".into());
    }
    if name.len() > MAX_PATH {
        return Err(format!("its path is longer than {MAX_PATH} bytes"));
    }
    let input = program.files.iter().find(|input| input.path == name);
    if input.is_none() || input.is_some_and(|input| input.content.len() as u64 != metadata.len()) {
        check(budget, metadata.len())?;
    }
    let content = fs::read(path).map_err(|error| plain(&error))?;
    if input.is_some_and(|input| input.content == content) {
        return Ok(None);
    }
    check(budget, content.len() as u64)?;
    budget.files -= 1;
    budget.bytes -= content.len() as u64;
    Ok(Some(content))
}

fn check(budget: &Budget, bytes: u64) -> Result<(), String> {
    if budget.files == 0 {
        return Err("as many files as allowed were brought back before it".into());
    }
    if bytes > budget.bytes {
        return Err(format!("has {bytes} bytes, of which {} more are allowed", budget.bytes));
    }
    Ok(())
}

fn plain(error: &io::Error) -> String {
    format!("cannot be read: {}", error.kind())
}
