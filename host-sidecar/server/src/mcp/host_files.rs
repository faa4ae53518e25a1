//! Files and folders of this machine that a call copies into the working directory, from the operator's input
//! directory alone.

use super::input_file::HostFile;
use cofferdam_core::{
    Inputs,
    inputs::{LocalInput, stream},
};
use cofferdam_types::{Error, ErrorCode, quoted};
use std::path::Path;

/// Streams files and folders of the input directory. None if there are none.
pub(super) fn inputs(files: Vec<HostFile>, directory: Option<&Path>) -> Result<Option<Inputs>, Error> {
    let Some(first) = files.first() else { return Ok(None) };
    let Some(directory) = directory.map(Path::to_owned) else {
        let path = quoted(&first.path);
        return Err(invalid(format!(
            "files: {path} has a source, but this server has no input directory; pass content or content_base64"
        )));
    };
    Ok(Some(stream(files.into_iter().map(move |file| open(&directory, file)))))
}

fn open(directory: &Path, HostFile { path, source }: HostFile) -> Result<LocalInput, Error> {
    LocalInput::open_beneath(directory, &source, path).map_err(|error| {
        let source = quoted(&source);
        // The operating system's errors have a number.
        let problem = match error.raw_os_error() {
            Some(_) => format!("cannot be read: {error}"),
            None => error.to_string(),
        };
        invalid(format!(
            "files: the source {source} {problem}; a source is the path of a file or folder below the input directory"
        ))
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}
