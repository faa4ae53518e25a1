//! Addresses that are dialled for those who are not trusted. Sources: IANA's registries of special-purpose addresses.

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    pin::Pin,
    task::{Context, Poll},
    vec,
};
use tower_service::Service;

/// Why an address is not dialled.
pub(super) const NOT_PUBLIC: &str = "its address is not public, is one of this machine or has no route; `images.private_registries` can allow requests to have it reached";

/// Where Azure's machines find their metadata.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Resolves names like the system, and passes on the addresses that may be dialled.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    only_public: bool,
}

impl Resolver {
    pub(super) fn new(only_public: bool) -> Self {
        Self { system: GaiResolver::new(), only_public }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, only_public) = (self.system.call(name), self.only_public);
        Box::pin(async move {
            let addresses: Vec<_> =
                resolving.await?.filter(|address| !only_public || may_be_dialled(address.ip())).collect();
            if addresses.is_empty() { Err(io::Error::other(NOT_PUBLIC)) } else { Ok(addresses.into_iter()) }
        })
    }
}

/// Whether an address is one of the public Internet, and not of this machine, its networks or their provider.
pub(super) fn may_be_dialled(address: IpAddr) -> bool {
    is_public(address) && !is_own(address)
}

/// Whether this machine has an address, or cannot reach it. Sends nothing.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let is_reached = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((address, 443))).is_ok();
    // A socket can be bound to addresses of this machine alone.
    !is_reached || UdpSocket::bind((address, 0)).is_ok()
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address == AZURE_METADATA
        || matches!((first, second, third), (192, 0, 0) | (192, 88, 99))
        // "This network", shared by providers, for benchmarks, multicast and reserved.
        || first == 0
        || first == 100 && second & 0xc0 == 64
        || first == 198 && second & 0xfe == 18
        || first >= 224;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [.., high, low] = segments;
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        // Translated to IPv4 by the network (NAT64).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(high, low),
        // The same by 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocols such as Teredo, and documentation.
        [0x2001, second, ..] => second > 0x01ff && second != 0x0db8,
        [0x3fff, second, ..] => second > 0x0fff,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_known() {
        for address in ["127.0.0.1", "127.0.0.2"] {
            assert!(is_own(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn only_public_addresses_are_dialled() {
        for (address, expected) in [
            ("1.1.1.1", true),
            ("100.128.0.1", true),
            ("172.32.0.1", true),
            ("198.20.0.1", true),
            ("2606:4700::1111", true),
            ("2001:4860:4860::8888", true),
            ("64:ff9b::101:101", true),
            ("2002:101:101::1", true),
            ("0.0.0.0", false),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("100.100.100.200", false),
            ("169.254.169.254", false),
            ("168.63.129.16", false),
            ("192.0.0.192", false),
            ("198.19.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:1.1.1.1", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b:1::1", false),
            ("2002:7f00:1::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
        ] {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
