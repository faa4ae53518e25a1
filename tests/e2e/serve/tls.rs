//! TLS on TCP sockets.

use cofferdam_tests::{program::Place, sidecar::Sidecar};
use rcgen::generate_simple_self_signed;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_tcp_socket_with_a_certificate_accepts_only_tls() {
    let place = Place::new();
    let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    place.write("cert.pem", made.cert.pem());
    place.write("key.pem", made.signing_key.serialize_pem());
    let sidecar = Sidecar::start(&place, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"], &[]);

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(&sidecar.address).await.expect("a sidecar");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    stream.write_all(REQUEST).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");

    let mut plain = TcpStream::connect(&sidecar.address).await.expect("a sidecar");
    plain.write_all(REQUEST).await.expect("a request");
    let mut answer = Vec::new();
    // The connection may also be reset.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // The Unix socket does not use TLS.
    assert_eq!(sidecar.caller().send("GET", "/healthz", &[], "").await.status, 200);
}
