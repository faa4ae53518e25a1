//! Things of this machine that are there to be attacked, and that notice it.

use crate::{conformance::Failure, program::Place};
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

/// The variable in this process's environment that holds the secret.
pub const SECRET_VARIABLE: &str = "SECRET_OF_THE_SIDECAR";
/// What is routed somewhere wherever anything is.
const ELSEWHERE: &str = "198.51.100.1:9";

/// Addresses in a cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The API server's.
    pub api_server: String,
    /// The name server's.
    pub dns: String,
    /// Another Pod's.
    pub pod: String,
}

impl Default for Cluster {
    /// Those that a cluster usually has.
    fn default() -> Self {
        Self { api_server: "10.96.0.1".into(), dns: "10.96.0.10".into(), pod: "10.88.0.2".into() }
    }
}

/// A secret file, and sockets that nobody has a reason to come to.
#[derive(Debug)]
pub struct Host {
    place: Place,
    secret: String,
    address: String,
    cluster: Cluster,
    tcp: TcpListener,
    udp: UdpSocket,
    by_path: UnixListener,
    abstract_name: String,
    without_path: UnixListener,
}

impl Host {
    /// Sets all of it up.
    ///
    /// # Errors
    ///
    /// A machine without room or sockets.
    pub fn new(cluster: Cluster) -> Result<Self, Failure> {
        let secret = env::var(SECRET_VARIABLE)?;
        let place = Place::new();
        // For everybody to reach: what keeps programs away is to be the sandbox.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755))?;
        place.write("secret", &secret);
        let by_path = UnixListener::bind(place.path().join("socket"))?;
        fs::set_permissions(place.path().join("socket"), fs::Permissions::from_mode(0o777))?;
        let abstract_name = format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple());
        let without_path = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name)?)?;
        // Both families, where there are both.
        let tcp = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"))?;
        let mut address = tcp.local_addr()?;
        let udp = UdpSocket::bind(address)?;
        let way_out = UdpSocket::bind("0.0.0.0:0")?;
        if way_out.connect(ELSEWHERE).is_ok() {
            address.set_ip(way_out.local_addr()?.ip());
        }
        for result in [
            tcp.set_nonblocking(true),
            udp.set_nonblocking(true),
            by_path.set_nonblocking(true),
            without_path.set_nonblocking(true),
        ] {
            result?;
        }
        Ok(Self {
            place,
            secret,
            address: address.ip().to_string(),
            cluster,
            tcp,
            udp,
            by_path,
            abstract_name,
            without_path,
        })
    }

    /// What no program may bring back.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The module that tells programs what to look for.
    #[must_use]
    pub fn module(&self) -> String {
        let port = self.tcp.local_addr().map_or(0, |address| address.port());
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let Cluster { api_server, dns, pod } = &self.cluster;
        let path = |name| self.place.path().join(name);
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

    /// The sockets that somebody has come to. Each is told once.
    #[must_use]
    pub fn reached(&self) -> Vec<&'static str> {
        let came = [
            ("TCP", came(self.tcp.accept())),
            ("UDP", came(self.udp.recv_from(&mut [0; 64]))),
            ("the Unix socket", came(self.by_path.accept())),
            ("the abstract Unix socket", came(self.without_path.accept())),
        ];
        came.into_iter().filter_map(|(name, came)| came.then_some(name)).collect()
    }
}

fn came<T>(accepted: io::Result<T>) -> bool {
    !accepted.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
