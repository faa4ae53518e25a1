//! TLS on TCP sockets.

use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
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
    let dir = TestDir::new();
    let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    dir.write("cert.pem", made.cert.pem());
    dir.write("key.pem", made.signing_key.serialize_pem());
    let sidecar = Sidecar::start(&dir, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"], &[]);

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
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("ok\n"), "{response}");

    let mut plain = TcpStream::connect(&sidecar.address).await.expect("a sidecar");
    plain.write_all(REQUEST).await.expect("a request");
    let mut response = Vec::new();
    // The connection may also be reset.
    let _ = plain.read_to_end(&mut response).await;
    assert!(!response.starts_with(b"HTTP"), "{response:?}");
    // The Unix socket does not use TLS.
    assert_eq!(sidecar.client().send("GET", "/healthz", &[], "").await.status, 200);
}
