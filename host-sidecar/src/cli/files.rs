//! Files from this machine into the request, and from the outcome back.

use super::Failure;
use crate::component::types::File;
use cofferdam_contract::{MAX_INPUT, quoted};
use std::{fs, path::Path};

/// Reads what `--file LOCAL[:PATH]` names.
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
        .ok_or_else(|| format!("{} has no name to give it inside; say --file LOCAL:PATH", local.display()).into())
}

/// Reads a file that is small enough to be an input, or one byte of more, which the contract refuses by its size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let metadata = fs::metadata(path).map_err(cannot)?;
    if metadata.is_dir() {
        return Err(format!("{} is a folder; name files", path.display()).into());
    }
    let too_large = metadata.len() > MAX_INPUT as u64;
    if too_large {
        let text = format!("{} has {} bytes, of which at most {MAX_INPUT} are allowed", path.display(), metadata.len());
        return Err(text.into());
    }
    Ok(fs::read(path).map_err(cannot)?)
}

/// Writes collected files below a folder.
pub(super) fn write_outputs(folder: &Path, files: &[File]) -> Result<(), Failure> {
    for file in files {
        cofferdam_contract::relative_path(&file.path)?;
        let path = folder.join(&file.path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &file.content));
        written.map_err(|error| format!("the file {} cannot be written: {error}", quoted(&path.to_string_lossy())))?;
    }
    Ok(())
}
