//! The sockets of a sidecar.

use crate::{
    config::{Listen, ServeConfig},
    setup_error::SetupError,
};
use cofferdam_core::os::user_dirs;
use rustix::{
    io::Errno,
    net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt},
};
use std::{
    fs::{self, Permissions},
    io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// Name of the socket in a runtime directory.
const SOCKET: &str = "cofferdam.sock";
/// The runtime directory of root.
const ROOT_DIR: &str = "/run/cofferdam";

/// Connections that wait to be accepted; the kernel lowers it to its own maximum (listen(2)).
const BACKLOG: i32 = i32::MAX;

/// The kernel's send buffer of a connection, in bytes; Linux doubles it (socket(7)). With its default, the
/// kernel buffers megabytes for a slow reader, in steps so large that the reader seems to have stopped.
const SEND_BUFFER: usize = 128 << 10;

/// `sun_path` of `sockaddr_un` has 108 bytes, the last of which is NUL (unix(7)).
const PATH_TOO_LONG: &str = "the path must be shorter than 108 bytes";

/// A listening socket. Nothing is accepted from it yet.
#[derive(Debug)]
pub(crate) enum BoundSocket {
    Unix(UnixListener, SocketFile),
    Tcp(TcpListener, SocketAddr),
}

/// The file of a Unix socket. Dropping it removes the file, and the directory if the sidecar has created it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: another sidecar may have replaced the file.
    identity: Option<(u64, u64)>,
    created_dir: Option<PathBuf>,
}

impl SocketFile {
    fn new(path: &Path, created_dir: Option<&Path>) -> Self {
        Self { path: path.to_owned(), identity: identity(path), created_dir: created_dir.map(Path::to_owned) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(dir) = &self.created_dir {
            // Fails if others have created files in it.
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Opens the sockets of the settings.
pub(crate) fn bind(serve: &ServeConfig) -> Result<Vec<BoundSocket>, SetupError> {
    let default = || default_path().map(|path| vec![Listen::Unix(path)]).ok_or(SetupError::NoRuntimeDir);
    let listen = if serve.listen.is_empty() { default()? } else { serve.listen.clone() };
    let has_token = serve.token_file.is_some();
    let bind = |listen: &Listen| match listen {
        Listen::Tcp(address) if !address.ip().is_loopback() && !has_token => {
            Err(SetupError::NeedsToken(*address))
        }
        Listen::Tcp(address) => bind_tcp(*address),
        Listen::Unix(path) => bind_unix(path),
    };
    // If one fails, the sockets before it are dropped.
    listen.iter().map(bind).collect()
}

fn default_path() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(Path::new(ROOT_DIR).join(SOCKET));
    }
    user_dirs::runtime().map(|dir| dir.join(SOCKET))
}

fn bind_tcp(address: SocketAddr) -> Result<BoundSocket, SetupError> {
    let failed = |source| SetupError::Listen { listen: Listen::Tcp(address), source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    // Accepted connections inherit the size.
    sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER).map_err(|error| failed(error.into()))?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(BoundSocket::Tcp(listener, address))
}

fn bind_unix(path: &Path) -> Result<BoundSocket, SetupError> {
    let failed = |source| SetupError::Listen { listen: Listen::Unix(path.to_owned()), source };
    let missing_dir = path.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists());
    if let Some(dir) = missing_dir {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    remove_stale(path).map_err(failed)?;
    let listener = bind_private(path).map_err(failed)?;
    let file = SocketFile::new(path, missing_dir);
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(BoundSocket::Unix(listener, file))
}

/// A socket to which only its owner may connect. Connections are refused until it listens, which is after its
/// mode is set; the umask would be that of all threads.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let address = SocketAddrUnix::new(path).map_err(|error| match error {
        // The kernel's own text does not say whose name, nor how long it may be.
        Errno::NAMETOOLONG => io::Error::new(io::ErrorKind::InvalidInput, PATH_TOO_LONG),
        error => error.into(),
    })?;
    net::bind(&socket, &address)?;
    let listening = fs::set_permissions(path, Permissions::from_mode(0o600))
        .and_then(|()| Ok(net::listen(&socket, BACKLOG)?));
    if let Err(error) = listening {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(socket.into())
}

/// Device and inode of a file; `None` if it does not exist.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Removes a socket that no process listens on any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the path exists and is not a socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on the socket")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path for the test's files.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cofferdam-listen-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_connection_sends_from_a_small_buffer() {
        let bound = bind_tcp(([127, 0, 0, 1], 0).into()).expect("a socket");
        let BoundSocket::Tcp(listener, address) = bound else { unreachable!("a TCP socket") };
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
        assert!(again.to_string().contains("another process listens on the socket"), "{again}");
        drop(bound);
        assert!(!path.exists() && folder.exists());
        fs::write(&path, "").expect("a file");
        assert!(bind_unix(&path).is_err() && path.exists());
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn a_socket_of_another_sidecar_is_not_removed() {
        let folder = folder("replaced");
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("s");
        let first = bind_unix(&path).expect("a socket");
        // Created under another name first: the inode of a removed file may be reused.
        let second = UnixListener::bind(folder.join("other")).expect("a socket");
        fs::rename(folder.join("other"), &path).expect("a socket");
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "it was removed");
        drop(second);
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = folder("link");
        fs::create_dir_all(&folder).expect("a folder");
        let (path, target) = (folder.join("s"), folder.join("target"));
        std::os::unix::fs::symlink(&target, &path).expect("a link");
        for is_there in [false, true] {
            let error = bind_unix(&path).expect_err("a link is not a socket");
            assert!(error.to_string().contains("is not a socket"), "{error}");
            assert_eq!(target.exists(), is_there);
            let _ = UnixListener::bind(&target);
        }
        assert!(path.is_symlink());
        fs::remove_dir_all(folder).expect("a folder");
    }

    #[test]
    fn listening_beyond_this_machine_requires_a_token() {
        let serve = |token_file: Option<&str>| ServeConfig {
            listen: vec!["0.0.0.0:0".parse().expect("an address")],
            token_file: token_file.map(Into::into),
            ..ServeConfig::default()
        };
        assert!(matches!(bind(&serve(None)), Err(SetupError::NeedsToken(_))));
        assert!(bind(&serve(Some("tokens"))).is_ok());
    }
}
