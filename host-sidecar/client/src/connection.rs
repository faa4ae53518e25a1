//! One HTTP request over a connection of its own, and the head of its answer.

use super::{address::Address, failure::Failure};
use cofferdam_http_api::{EXECUTIONS, PROBLEM, VERSION, VERSION_HEADER};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::handshake,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// For what a sidecar does at once, and for its silence in an answer that it keeps alive: it says something every 15 s.
const PATIENCE: Duration = Duration::from_secs(60);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// An answer whose body is still to come. Dropping it hangs up.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Incoming,
    _connection: JoinSet<()>,
}

impl Answer {
    /// The next bytes of it; none at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = timeout(PATIENCE, self.body.frame()).await.map_err(|_| Failure::Silence(PATIENCE))?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Failure::Lost),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// All of it, if it has no more bytes than these.
    pub(super) async fn read(mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if bytes.len() > most - all.len() {
                return Err(Failure::TooLong);
            }
            all.extend(bytes);
        }
        Ok(all)
    }

    /// The media type of the body, in lower case.
    pub(super) fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Sends a request to the executions of a sidecar, or to what is below them.
pub(super) async fn send(
    address: &Address,
    token: Option<&str>,
    method: Method,
    below: &str,
    accepted: &str,
    body: Vec<u8>,
) -> Result<Answer, Failure> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{EXECUTIONS}{below}", address.prefix()))
        .header(header::HOST, address.authority())
        .header(header::ACCEPT, format!("{accepted}, {PROBLEM}"))
        .header(VERSION_HEADER, VERSION);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    // An address has been looked at, so what is wrong is the token.
    let request = request.body(Full::new(Bytes::from(body))).map_err(|_| Failure::Token)?;
    let stream =
        timeout(CONNECTING, connect(address)).await.map_err(|_| Failure::NoConnection("it took too long".into()))??;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Lost)?;
    let mut driver = JoinSet::new();
    driver.spawn(async {
        // What goes wrong shows in the answer.
        let _ = connection.await;
    });
    let response = timeout(PATIENCE, sender.send_request(request)).await.map_err(|_| Failure::Silence(PATIENCE))?;
    let (head, body) = response.map_err(|_| Failure::Lost)?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body, _connection: driver })
}

async fn connect(address: &Address) -> Result<Box<dyn Stream>, Failure> {
    let failed = |error: std::io::Error| Failure::NoConnection(error.to_string());
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
        Address::Tcp { secure, host, port, .. } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
            // A request is written in one piece, and waits for nothing.
            stream.set_nodelay(true).map_err(failed)?;
            if !secure {
                return Ok(Box::new(stream));
            }
            let name = ServerName::try_from(host.clone()).map_err(|error| Failure::Tls(error.to_string()))?;
            let stream = tls()?.connect(name, stream).await.map_err(|error| Failure::Tls(error.to_string()))?;
            Ok(Box::new(stream))
        }
    }
}

/// By the certificates that this machine trusts, or those of `SSL_CERT_FILE`.
fn tls() -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
