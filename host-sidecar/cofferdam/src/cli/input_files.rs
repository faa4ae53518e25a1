//! Files of this machine that become inputs of a request.

use super::Failure;
use cofferdam_core::{
    inputs::LocalInput,
    os::regular_file::{self, Links},
};
use cofferdam_types::{
    File, quoted,
    validation::{MAX_FILES, MAX_INPUT},
};
use std::{io, path::Path};

/// The files of `--file`.
#[derive(Debug)]
pub(super) enum LocalFiles {
    /// Files that are part of the request.
    Inline(Vec<File>),
    /// Files and folders that are read while they are sent.
    Streamed(Vec<LocalInput>),
}

/// Opens what each `--file LOCAL[:PATH]` names. What fits into a request is part of it.
pub(super) fn open_inputs(arguments: &[String]) -> Result<LocalFiles, Failure> {
    let inputs = arguments.iter().map(|argument| open_input(argument)).collect::<Result<Vec<_>, _>>()?;
    let length = inputs.iter().try_fold(0, |sum: u64, input| input.length().map(|length| sum + length));
    if inputs.len() > MAX_FILES || length.is_none_or(|length| length > MAX_INPUT as u64) {
        return Ok(LocalFiles::Streamed(inputs));
    }
    let read = |input: LocalInput| {
        let local = input.local().to_owned();
        input.read(MAX_INPUT).map_err(|error| unreadable(&local, &error))
    };
    Ok(LocalFiles::Inline(inputs.into_iter().map(read).collect::<Result<_, _>>()?))
}

fn open_input(argument: &str) -> Result<LocalInput, Failure> {
    let whole = Path::new(argument);
    let (local, path) = match argument.rsplit_once(':') {
        Some((local, path)) if !whole.exists() && !local.is_empty() => (Path::new(local), path.to_owned()),
        _ => (whole, name_of(whole)?),
    };
    let is_folder = local.is_dir();
    let path = match path.strip_suffix('/').unwrap_or(&path) {
        "" => return Err(format!("--file {} ends without a PATH", quoted(argument)).into()),
        "." if is_folder => "",
        path if is_folder => path,
        _ => path.as_str(),
    };
    let input = LocalInput::open(local, path);
    input.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => format!("{} {error}", shown(local)).into(),
        _ => unreadable(local, &error),
    })
}

fn name_of(local: &Path) -> Result<String, Failure> {
    let name = local.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        let local = shown(local);
        format!(
            "{local} has no name of its own; use --file LOCAL:PATH, where the PATH of a folder may be `.`"
        )
        .into()
    })
}

/// Reads a file up to the maximum size of an input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    regular_file::read(path, MAX_INPUT, Links::Follow).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let problem = match error.kind() {
        io::ErrorKind::IsADirectory => "is a folder".into(),
        io::ErrorKind::FileTooLarge => format!("has more than {MAX_INPUT} bytes, the maximum of an input"),
        _ => format!("cannot be read: {error}"),
    };
    format!("{} {problem}", shown(path)).into()
}

/// A path of this machine in a message.
pub(super) fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
