//! Sockets to listen on.

use super::SetupError;
use crate::config::{Listen, ServeConfig};
use cofferdam_core::os::user_folders;
use rustix::{fs::Mode, net::sockopt, process::umask};
use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// Name of the socket in a runtime folder.
const SOCKET: &str = "cofferdam.sock";
/// The runtime folder of root, of which runs keep what they need in the same.
const ROOTS_FOLDER: &str = "/run/cofferdam";

/// Bytes that the kernel holds of an answer that is not read yet; Linux doubles it for its own needs (socket(7)). Left to
/// itself it takes megabytes for a slow reader, and takes them in such steps that the reader seems to stand still.
const SEND_BUFFER: usize = 128 << 10;

/// A socket that is listened on, and not yet accepted from.
#[derive(Debug)]
pub(crate) enum Bound {
    Unix(UnixListener, SocketFile),
    Tcp(TcpListener, SocketAddr),
}

/// A Unix socket's file, removed when this is dropped, and with it the folder that was made for it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode, to tell it from another sidecar's that has taken its place.
    identity: Option<(u64, u64)>,
    made_folder: Option<PathBuf>,
}

impl SocketFile {
    fn new(path: &Path, made_folder: Option<&Path>) -> Self {
        Self { path: path.to_owned(), identity: identity(path), made_folder: made_folder.map(Path::to_owned) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            // One that is gone is what was wanted.
            let _ = fs::remove_file(&self.path);
        }
        if let Some(folder) = &self.made_folder {
            // Not where others have put something.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Listens where the settings say. To be called before there are threads: it changes the mode of new files for a moment.
pub(crate) fn bind(serve: &ServeConfig) -> Result<Vec<Bound>, SetupError> {
    let default = || default_path().map(|path| vec![Listen::Unix(path)]).ok_or(SetupError::NoPlace);
    let listen = if serve.listen.is_empty() { default()? } else { serve.listen.clone() };
    let has_token = serve.token_file.is_some();
    let bind = |listen: &Listen| match listen {
        Listen::Tcp(address) if !address.ip().is_loopback() && !has_token => Err(SetupError::NeedsToken(*address)),
        Listen::Tcp(address) => bind_tcp(*address),
        Listen::Unix(path) => bind_unix(path),
    };
    // Those that are bound already go again when one fails.
    listen.iter().map(bind).collect()
}

fn default_path() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(Path::new(ROOTS_FOLDER).join(SOCKET));
    }
    user_folders::runtime().map(|folder| folder.join(SOCKET))
}

fn bind_tcp(address: SocketAddr) -> Result<Bound, SetupError> {
    let failed = |source| SetupError::Listen { listen: Listen::Tcp(address), source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    // Its connections inherit it.
    sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER).map_err(|error| failed(error.into()))?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound::Tcp(listener, address))
}

fn bind_unix(path: &Path) -> Result<Bound, SetupError> {
    let failed = |source| SetupError::Listen { listen: Listen::Unix(path.to_owned()), source };
    let missing_folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    if let Some(folder) = missing_folder {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    remove_stale(path).map_err(failed)?;
    // The socket is its owner's from its first moment on.
    let before = umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener.map_err(failed)?;
    let file = SocketFile::new(path, missing_folder);
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(Bound::Unix(listener, file))
}

/// Device and inode of a file; none where it is gone.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Removes a socket that nobody listens on any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder of the test's own.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cofferdam-listen-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_connection_sends_from_a_small_buffer() {
        let bound = bind_tcp(([127, 0, 0, 1], 0).into()).expect("a socket");
        let Bound::Tcp(listener, address) = bound else { unreachable!("it is a TCP socket") };
        let _caller = std::net::TcpStream::connect(address).expect("a connection");
        listener.set_nonblocking(false).expect("a socket");
        let (connection, _) = listener.accept().expect("a connection");
        let size = sockopt::socket_send_buffer_size(&connection).expect("a size");
        assert!((1..=2 * SEND_BUFFER).contains(&size), "{size}");
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        let folder = folder("stale");
        let path = folder.join("s");
        drop(bind_unix(&path).expect("a folder is made"));
        assert!(!folder.exists(), "and removed again");
        fs::create_dir_all(&folder).expect("a folder");
        drop(UnixListener::bind(&path).expect("a socket"));
        let bound = bind_unix(&path).expect("a dead socket is replaced");
        assert_eq!(fs::metadata(&path).expect("a socket").permissions().mode() & 0o777, 0o600);
        let again = bind_unix(&path).expect_err("a live one is not");
        assert!(again.to_string().contains("another process listens there"), "{again}");
        drop(bound);
        assert!(!path.exists() && folder.exists());
        fs::write(&path, "").expect("a file");
        assert!(bind_unix(&path).is_err() && path.exists());
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn a_socket_that_has_taken_its_place_is_left() {
        let folder = folder("replaced");
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("s");
        let first = bind_unix(&path).expect("a socket");
        // Beside it first: a removed one's inode may be the next one's.
        let second = UnixListener::bind(folder.join("other")).expect("a socket");
        fs::rename(folder.join("other"), &path).expect("a socket");
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "it was removed");
        drop(second);
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = folder("link");
        fs::create_dir_all(&folder).expect("a folder");
        let (path, target) = (folder.join("s"), folder.join("target"));
        std::os::unix::fs::symlink(&target, &path).expect("a link");
        for is_there in [false, true] {
            let error = bind_unix(&path).expect_err("a link is no socket");
            assert!(error.to_string().contains("something else than a socket"), "{error}");
            assert_eq!(target.exists(), is_there);
            let _ = UnixListener::bind(&target);
        }
        assert!(path.is_symlink());
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn beyond_this_machine_there_is_a_token() {
        let serve = |token_file: Option<&str>| ServeConfig {
            listen: vec!["0.0.0.0:0".parse().expect("an address")],
            token_file: token_file.map(Into::into),
            ..ServeConfig::default()
        };
        assert!(matches!(bind(&serve(None)), Err(SetupError::NeedsToken(_))));
        assert!(bind(&serve(Some("tokens"))).is_ok());
    }
}
