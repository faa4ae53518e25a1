//! From a session to this machine. An untrusted program has made the files.

use super::{
    endpoint::{file_name, join, means_contents, must_be_folder, shown},
    local_tree::LocalTree,
};
use crate::cli::{Failure, exit, print_error, sidecar};
use cofferdam_client::{Client, Download};
use cofferdam_http_api::session::FileKind;
use cofferdam_types::{Error, FILE_MODE, PERMISSIONS};
use std::{
    fs,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tar::EntryType;
use tokio::{sync::mpsc, task::spawn_blocking};

/// Pieces that wait to be written.
const WAITING: usize = 2;

/// Copies a file or a folder of a session to a local path.
pub(super) async fn download(
    client: &Client,
    session: &str,
    path: &[u8],
    destination: PathBuf,
) -> Result<ExitCode, Failure> {
    let mut kind = client.stat(session, path).await.map_err(sidecar::failure)?.kind;
    if kind == FileKind::Link && client.stat(session, &join(path, b".")).await.is_ok() {
        kind = FileKind::Directory;
    }
    let target = target(path, &destination, kind == FileKind::Directory)?;
    let skipped = if kind == FileKind::Directory {
        let download = client.read_tree(session, path).await.map_err(sidecar::failure)?;
        write_with(download, move |bytes| write_folder(bytes, &target)).await?
    } else {
        let download = client.read_file(session, path).await.map_err(sidecar::failure)?;
        let mode = download.mode().unwrap_or(FILE_MODE);
        write_with(download, move |mut bytes| write_file(&mut bytes, &target, mode).map(|()| Vec::new()))
            .await?
    };
    for skipped in &skipped {
        print_error(skipped);
    }
    Ok(if skipped.is_empty() { ExitCode::SUCCESS } else { exit::INCOMPLETE.into() })
}

/// The local path that the source gets.
fn target(source: &[u8], destination: &Path, is_folder: bool) -> Result<PathBuf, Failure> {
    let bytes = destination.as_os_str().as_bytes();
    match (fs::metadata(destination), file_name(source)) {
        (Ok(existing), Some(name)) if existing.is_dir() && !means_contents(source) => {
            Ok(destination.join(std::ffi::OsStr::from_bytes(name)))
        }
        (Ok(existing), None) if existing.is_dir() && !means_contents(source) => {
            Err(format!("{} has no name to be copied under; add /. for what is in it", shown(source)).into())
        }
        (Ok(existing), _) if is_folder && !existing.is_dir() => {
            Err(format!("{} is a file, and {} is a folder", shown(bytes), shown(source)).into())
        }
        (Err(_), _) if !is_folder && must_be_folder(bytes) => {
            Err(format!("there is no folder {}", shown(bytes)).into())
        }
        _ => Ok(destination.to_owned()),
    }
}

/// Passes the bytes of a download to what writes them on a thread that may block.
async fn write_with<T: Send + 'static>(
    mut download: Download,
    write: impl FnOnce(DownloadReader) -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let writing = spawn_blocking(move || write(DownloadReader { pieces, rest: Vec::new(), read: 0 }));
    let mut received = Ok(());
    loop {
        let piece = match download.next().await {
            Ok(Some(bytes)) => Some(bytes.to_vec()),
            Ok(None) => None,
            Err(error) => {
                received = Err(error);
                // Without an end, so that nothing incomplete replaces a file.
                let _ = sender.send(Err(io::ErrorKind::ConnectionAborted.into())).await;
                break;
            }
        };
        let is_end = piece.is_none();
        if sender.send(Ok(piece)).await.is_err() || is_end {
            break;
        }
    }
    let written = writing.await.map_err(Failure::internal)?;
    received.map_err(|error: Error| sidecar::failure(error))?;
    written.map_err(|error| format!("the copy cannot be written: {error}").into())
}

/// The bytes of a download, as they come.
struct DownloadReader {
    /// The last piece is none.
    pieces: mpsc::Receiver<io::Result<Option<Vec<u8>>>>,
    rest: Vec<u8>,
    /// Bytes of the rest that were read.
    read: usize,
}

impl Read for DownloadReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.rest.len() {
            let piece = self.pieces.blocking_recv().unwrap_or(Ok(None))?;
            let Some(piece) = piece else { return Ok(0) };
            (self.rest, self.read) = (piece, 0);
        }
        let mut rest = self.rest.get(self.read..).unwrap_or_default();
        let length = rest.read(buffer)?;
        self.read += length;
        Ok(length)
    }
}

fn write_file(bytes: &mut impl Read, target: &Path, mode: u32) -> io::Result<()> {
    let name = target.file_name().ok_or_else(|| io::Error::other("the destination has no name"))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    LocalTree::open(folder)?.write_file(Path::new(name), mode, bytes)
}

/// Writes the entries of an archive. Returns what was left out, and why.
fn write_folder(bytes: DownloadReader, target: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(target)?;
    let (tree, mut skipped) = (LocalTree::open(target)?, Vec::new());
    for entry in tar::Archive::new(bytes).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let mode = entry.header().mode()? & PERMISSIONS;
        let written = match entry.header().entry_type() {
            EntryType::Directory => tree.make_folder(&path, mode),
            EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default().into_owned();
                tree.make_link(&path, &target)
            }
            EntryType::Regular => tree.write_file(&path, mode, &mut entry),
            _ => Err(io::Error::other("it is neither a file nor a folder nor a link")),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return Err(error),
            Err(error) => {
                skipped.push(format!("{} was not copied: {error}", shown(path.as_os_str().as_bytes())))
            }
            Ok(()) => {}
        }
    }
    Ok(skipped)
}
