//! Resources of this machine that hostile programs try to reach, and that detect it.

use crate::{conformance::Failure, program::TestDir};
use std::{
    env, fs, io,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixListener},
        },
    },
};

/// The environment variable of this process that contains the secret.
pub const SECRET_VARIABLE: &str = "SECRET_OF_THE_SIDECAR";
/// An address to which only the default route leads.
const OUTSIDE: &str = "198.51.100.1:9";

/// Addresses in a cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The API server's address.
    pub api_server: String,
    /// The cluster DNS' address.
    pub dns: String,
    /// Another Pod's address.
    pub pod: String,
}

impl Default for Cluster {
    /// The usual addresses.
    fn default() -> Self {
        Self { api_server: "10.96.0.1".into(), dns: "10.96.0.10".into(), pod: "10.88.0.2".into() }
    }
}

/// A secret file, and listening sockets to which nothing else connects.
#[derive(Debug)]
pub struct Host {
    dir: TestDir,
    secret: String,
    address: String,
    cluster: Cluster,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    abstract_name: String,
    abstract_unix: UnixListener,
}

impl Host {
    /// Creates the file and the sockets.
    ///
    /// # Errors
    ///
    /// A file or a socket cannot be created.
    pub fn new(cluster: Cluster) -> Result<Self, Failure> {
        let secret = env::var(SECRET_VARIABLE)?;
        let dir = TestDir::new();
        // Accessible to every user, so that only the sandbox keeps programs away.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        dir.write("secret", &secret);
        let unix = UnixListener::bind(dir.path().join("socket"))?;
        fs::set_permissions(dir.path().join("socket"), fs::Permissions::from_mode(0o777))?;
        let abstract_name = format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple());
        let abstract_unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name)?)?;
        // IPv4 and IPv6, if the machine has both.
        let tcp = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"))?;
        let mut address = tcp.local_addr()?;
        let udp = UdpSocket::bind(address)?;
        let route = UdpSocket::bind("0.0.0.0:0")?;
        if route.connect(OUTSIDE).is_ok() {
            address.set_ip(route.local_addr()?.ip());
        }
        for result in [
            tcp.set_nonblocking(true),
            udp.set_nonblocking(true),
            unix.set_nonblocking(true),
            abstract_unix.set_nonblocking(true),
        ] {
            result?;
        }
        Ok(Self {
            dir,
            secret,
            address: address.ip().to_string(),
            cluster,
            tcp,
            udp,
            unix,
            abstract_name,
            abstract_unix,
        })
    }

    /// The secret, which no outcome may contain.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A Python module that describes the targets.
    #[must_use]
    pub fn module(&self) -> String {
        let port = self.tcp.local_addr().map_or(0, |address| address.port());
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let Cluster { api_server, dns, pod } = &self.cluster;
        let path = |name| self.dir.path().join(name);
        format!(
            "PORT = {port}\nADDRESS = {:?}\nABSTRACT_SOCKET = {:?}\nSOCKET = {:?}\nFILE = {:?}\nVARIABLE = {SECRET_VARIABLE:?}\n\
             BOOT = {:?}\nAPI_SERVER = {api_server:?}\nDNS = {dns:?}\nPOD = {pod:?}\n",
            self.address,
            self.abstract_name,
            path("socket"),
            path("secret"),
            boot.trim_end(),
        )
    }

    /// The sockets that something has connected or sent to since the last call.
    #[must_use]
    pub fn reached(&self) -> Vec<&'static str> {
        let sockets = [
            ("TCP", was_reached(self.tcp.accept())),
            ("UDP", was_reached(self.udp.recv_from(&mut [0; 64]))),
            ("the Unix socket", was_reached(self.unix.accept())),
            ("the abstract Unix socket", was_reached(self.abstract_unix.accept())),
        ];
        sockets.into_iter().filter_map(|(name, reached)| reached.then_some(name)).collect()
    }
}

fn was_reached<T>(accepted: io::Result<T>) -> bool {
    !accepted.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
