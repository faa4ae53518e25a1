//! Files of this machine that become inputs of a request.

use super::Failure;
use cofferdam_core::os::regular_file::{self, Links};
use cofferdam_types::{File, quoted, validation::MAX_INPUT};
use std::{io, path::Path};

/// Reads the file of `--file LOCAL[:PATH]`.
pub(super) fn read_input(argument: &str) -> Result<File, Failure> {
    let whole = Path::new(argument);
    let (local, path) = match argument.rsplit_once(':') {
        Some((local, path)) if !whole.exists() && !local.is_empty() => (Path::new(local), path.to_owned()),
        _ => (whole, name_of(whole)?),
    };
    let content = read(local)?;
    Ok(File { path, content })
}

fn name_of(local: &Path) -> Result<String, Failure> {
    let name = local.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| format!("{} has no file name; use --file LOCAL:PATH", shown(local)).into())
}

/// Reads a file up to the maximum size of an input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    regular_file::read(path, MAX_INPUT, Links::Follow).map_err(|error| {
        let problem = match error.kind() {
            io::ErrorKind::IsADirectory => "is a folder; name its files one by one".into(),
            io::ErrorKind::FileTooLarge => {
                format!("has more than {MAX_INPUT} bytes, the maximum of an input")
            }
            _ => format!("cannot be read: {error}"),
        };
        format!("{} {problem}", shown(path)).into()
    })
}

/// A path of this machine in a message.
pub(super) fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
