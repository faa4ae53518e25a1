//! Bringing back the files that were asked for. Nothing of the program runs any more when this does.

use crate::{channel::Channel, error::Error, workspace::WORK};
use cofferdam_protocol::{Frame, Program};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Longest path that the contract lets come back.
const MAX_PATH: usize = 255;
/// Skipped files that are listed one by one.
const MAX_SKIPPED: usize = 1000;

/// Sends every file of the work directory that a pattern names, in the order of their paths.
pub(crate) fn send_files(channel: &mut Channel, program: &Program) -> Result<(), Error> {
    if program.collect.is_empty() {
        return Ok(());
    }
    let mut budget = Budget { files: program.limits.collected_files, bytes: program.limits.collected_bytes };
    let mut skipped = 0;
    for (path, file) in wanted(program) {
        match bring(program, &path, &file, &mut budget) {
            Ok(Some(content)) => channel.send(&Frame::File(path, content))?,
            Ok(None) => {}
            Err(reason) if skipped < MAX_SKIPPED => {
                skipped += 1;
                channel.send(&Frame::Skipped(path, reason))?;
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// What may still be brought back.
struct Budget {
    files: u32,
    bytes: u64,
}

/// Everything but directories that a pattern names, by path. A path that is not UTF-8 appears with U+FFFD.
fn wanted(program: &Program) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut directories = vec![PathBuf::from(WORK)];
    while let Some(directory) = directories.pop() {
        // A directory that the program made unreadable holds nothing that could be brought back.
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(WORK).unwrap_or(&path).to_string_lossy().into_owned();
            let named = program.collect.iter().any(|pattern| fast_glob::glob_match(pattern, &name));
            if named && name != program.file {
                found.insert(name, path);
            }
        }
    }
    found
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
