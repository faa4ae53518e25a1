//! Files from this machine into the request, and from the outcome back.

use super::Failure;
use crate::component::types;
use cofferdam_contract::{MAX_INPUT, quoted};
use rustix::fs::OFlags;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Opening what is no file must not wait for anybody.
const NONBLOCK: i32 = OFlags::NONBLOCK.bits().cast_signed();
const NOFOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// Reads what `--file LOCAL[:PATH]` names.
pub(super) fn read_input(argument: &str) -> Result<types::File, Failure> {
    let whole = Path::new(argument);
    let (local, path) = match argument.rsplit_once(':') {
        Some((local, path)) if !whole.exists() && !local.is_empty() => (Path::new(local), path.to_owned()),
        _ => (whole, name_of(whole)?),
    };
    let content = read(local)?;
    Ok(types::File { path, content })
}

fn name_of(local: &Path) -> Result<String, Failure> {
    let name = local.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| format!("{} has no name to give it inside; say --file LOCAL:PATH", shown(local)).into())
}

/// Reads a file that is small enough to be an input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: io::Error| Failure::from(format!("{} cannot be read: {error}", shown(path)));
    let metadata = fs::metadata(path).map_err(cannot)?;
    if metadata.is_dir() {
        return Err(format!("{} is a folder; name files", shown(path)).into());
    }
    let file = File::options().read(true).custom_flags(NONBLOCK).open(path).map_err(cannot)?;
    let mut content = Vec::new();
    file.take(MAX_INPUT as u64 + 1).read_to_end(&mut content).map_err(cannot)?;
    if content.len() > MAX_INPUT {
        return Err(format!("{} has more than {MAX_INPUT} bytes, the most that an input may have", shown(path)).into());
    }
    Ok(content)
}

/// A name of this machine in a message.
fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// Makes the folder for collected files, so that it is known to be there before the program runs.
pub(super) fn prepare_output(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| format!("the folder {} cannot be made: {error}", shown(folder)).into())
}

/// Writes collected files below a folder; gives what could not be written.
pub(super) fn write_outputs(folder: &Path, files: &[types::File]) -> Vec<String> {
    let write = |file: &types::File| {
        let written = write_below(folder, &file.path, &file.content);
        written.err().map(|error| format!("the file {} cannot be written: {error}", shown(&folder.join(&file.path))))
    };
    files.iter().filter_map(write).collect()
}

/// A link that lies there already leads nowhere: what is collected stays below the folder.
fn write_below(folder: &Path, path: &str, content: &[u8]) -> io::Result<()> {
    cofferdam_contract::relative_path(path).map_err(io::Error::other)?;
    let mut parent = folder.to_owned();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        parent.push(part);
        match fs::create_dir(&parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ if fs::symlink_metadata(&parent)?.is_dir() => {}
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true).custom_flags(NOFOLLOW | NONBLOCK);
    options.open(parent.join(name))?.write_all(content)
}
