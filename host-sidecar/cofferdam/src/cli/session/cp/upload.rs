//! From this machine to a session.

use super::endpoint::{file_name, join, means_contents, must_be_folder, shown};
use crate::cli::{Failure, sidecar};
use cofferdam_client::{BodyChannel, BodySender, Client};
use cofferdam_http_api::session::FileKind;
use cofferdam_types::{Error, ErrorCode, PERMISSIONS};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::task::spawn_blocking;

/// Bytes that are sent at once.
const CHUNK: usize = 128 << 10;

/// Copies a file or a folder to a path in a session.
pub(super) async fn upload(
    client: &Client,
    source: PathBuf,
    session: &str,
    path: &[u8],
) -> Result<ExitCode, Failure> {
    let bytes = source.as_os_str().as_bytes().to_vec();
    // A link is followed, as what is named is meant.
    let metadata =
        fs::metadata(&source).map_err(|error| format!("{} cannot be read: {error}", shown(&bytes)))?;
    let target = target(client, session, path, &bytes, &metadata).await?;
    let (sender, body) = BodyChannel::new();
    let sent = if metadata.is_dir() {
        let reading = spawn_blocking(move || send_folder(&source, &sender));
        let sent = client.write_tree(session, &target, body).await;
        let _ = reading.await;
        sent
    } else {
        let mode = metadata.permissions().mode() & PERMISSIONS;
        let reading = spawn_blocking(move || send_file(&source, &sender));
        let sent = client.write_file(session, &target, mode, body).await;
        let _ = reading.await;
        sent
    };
    sent.map_err(sidecar::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// The path that the source gets in the session.
async fn target(
    client: &Client,
    session: &str,
    path: &[u8],
    source: &[u8],
    metadata: &Metadata,
) -> Result<Vec<u8>, Failure> {
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(format!("{} is neither a file nor a folder", shown(source)).into());
    }
    // With `/.` a link to a folder is followed.
    let existing = match client.stat(session, &join(path, b".")).await {
        Ok(entry) => Some(entry.kind),
        Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::InvalidRequest) => None,
        Err(error) => return Err(sidecar::failure(error)),
    };
    let is_folder = existing == Some(FileKind::Directory);
    match file_name(source) {
        // Into the folder, under its own name.
        Some(name) if is_folder && !means_contents(source) => Ok(join(path, name)),
        None if is_folder && !means_contents(source) => {
            Err(format!("{} has no name to be copied under; add /. for what is in it", shown(source)).into())
        }
        _ if !metadata.is_dir() && must_be_folder(path) => {
            Err(format!("there is no folder {} in the session", shown(path)).into())
        }
        _ => Ok(path.to_vec()),
    }
}

fn send_file(source: &Path, sender: &BodySender) {
    let sent = File::open(source).and_then(|mut file| {
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(()),
                length if !send(sender, chunk.get(..length).unwrap_or_default()) => return Ok(()),
                _ => {}
            }
        }
    });
    report(sent, source, sender);
}

/// Sends a folder as a tar archive. Links are not followed.
fn send_folder(source: &Path, sender: &BodySender) {
    let write = || {
        let mut archive = tar::Builder::new(io::BufWriter::with_capacity(CHUNK, BodyWriter(sender)));
        archive.follow_symlinks(false);
        archive.append_dir_all("", source)?;
        archive.into_inner()?.flush()
    };
    report(write(), source, sender);
}

/// Tells the request that the source could not be read. Without that, its body ends.
fn report(sent: io::Result<()>, source: &Path, sender: &BodySender) {
    if let Err(error) = sent {
        let shown = shown(source.as_os_str().as_bytes());
        let error = Error::new(ErrorCode::InvalidRequest, format!("{shown} cannot be read: {error}"));
        let _ = sender.blocking_send(Err(error));
    }
}

/// Whether more bytes are wanted.
fn send(sender: &BodySender, bytes: &[u8]) -> bool {
    sender.blocking_send(Ok(bytes.to_vec().into())).is_ok()
}

/// Writes to the body of a request.
struct BodyWriter<'a>(&'a BodySender);

impl Write for BodyWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if send(self.0, bytes) { Ok(bytes.len()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
