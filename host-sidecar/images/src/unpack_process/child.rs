//! The process that unpacks.

use super::{
    PROCESS_NAME,
    confinement::{close_inherited_files, confine},
    job::Job,
    report::Report,
};
use crate::{
    ImageError,
    unpack::{UnpackError, unpack_image},
};
use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    process::ExitCode,
};

/// Unpacks an image, if this process was started for that by a [`Store`](crate::Store) that names this program:
/// see [`Store::with_unpacker`](crate::Store::with_unpacker). None if it was started for anything else. To be
/// called before anything else is done.
#[must_use]
pub fn unpack_if_started_for_it() -> Option<ExitCode> {
    if env::args_os().next()? != PROCESS_NAME {
        return None;
    }
    let report = match run() {
        Ok(()) => Report::Complete,
        Err(UnpackError { layer, error }) => Report::Failed { layer, failure: error.into() },
    };
    let is_complete = report == Report::Complete;
    let written = serde_json::to_vec(&report).map(|text| io::stderr().write_all(&text));
    Some(if is_complete && matches!(written, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run() -> Result<(), UnpackError> {
    let (input, root, job) = prepare().map_err(ImageError::io("prepare to unpack the image"))?;
    let layers = job.layers.iter().map(|layer| ((&input).take(layer.size), &layer.diff_id));
    unpack_image(root, &job.limits, layers)
}

/// Confines this process. Nothing of an archive has been read then.
fn prepare() -> io::Result<(File, File, Job)> {
    close_inherited_files()?;
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let root = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let job = Job::read(&input)?;
    confine(&job)?;
    Ok((input, root, job))
}
