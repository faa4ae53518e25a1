//! One HTTP request on a new connection, and its response.

use super::{
    address::Address,
    error::ClientError,
    multipart::{MultipartBody, Progress},
};
use cofferdam_core::Inputs;
use cofferdam_http_api::{EXECUTIONS, PROBLEM, VERSION, VERSION_HEADER};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::handshake,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Time to connect, with the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to wait for the head of a response, or for more of its body: an idle stream has a comment every 15 s.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time without progress of a streamed body: a sidecar does not read it while the execution is queued.
const SENDING_TIMEOUT: Duration = Duration::from_secs(660);

/// The body of a request.
#[derive(Debug, Default)]
pub(super) struct RequestBody {
    /// Empty if there is no body.
    pub(super) json: Vec<u8>,
    /// Files that follow it.
    pub(super) inputs: Option<Inputs>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A response whose body has not been read. Dropping it disconnects.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Incoming,
    _connection: JoinSet<()>,
}

impl Response {
    /// The next bytes of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(RESPONSE_TIMEOUT, self.body.frame())
                .await
                .map_err(|_| ClientError::TimedOut(RESPONSE_TIMEOUT))?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(ClientError::ConnectionLost),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The whole body, of at most `max` bytes.
    pub(super) async fn read(mut self, max: usize) -> Result<Vec<u8>, ClientError> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if bytes.len() > max - all.len() {
                return Err(ClientError::TooLarge);
            }
            all.extend(bytes);
        }
        Ok(all)
    }

    /// The media type of the body, in lower case.
    pub(super) fn media_type(&self) -> String {
        let value =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Sends a request to the path `/v1/executions` of a sidecar, followed by `subpath`.
pub(super) async fn send(
    address: &Address,
    token: Option<&str>,
    method: Method,
    subpath: &str,
    accept: &str,
    body: RequestBody,
) -> Result<Response, ClientError> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{EXECUTIONS}{subpath}", address.prefix()))
        .header(header::HOST, address.authority())
        .header(header::ACCEPT, format!("{accept}, {PROBLEM}"))
        .header(VERSION_HEADER, VERSION);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let (body, progress) = match body.inputs {
        Some(inputs) => {
            let (body, progress) = MultipartBody::new(&body.json, inputs);
            request = request.header(header::CONTENT_TYPE, body.content_type());
            (Either::Right(body), Some(progress))
        }
        None => {
            if !body.json.is_empty() {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            (Either::Left(Full::new(Bytes::from(body.json))), None)
        }
    };
    // The address is valid, so only the token can be invalid.
    let request = request.body(body).map_err(|_| ClientError::InvalidToken)?;
    let stream = timeout(CONNECT_TIMEOUT, connect(address))
        .await
        .map_err(|_| ClientError::NotConnected("timed out".into()))??;
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|_| ClientError::ConnectionLost)?;
    let mut driver = JoinSet::new();
    driver.spawn(async {
        // Errors occur in the response too.
        let _ = connection.await;
    });
    let response = pin!(sender.send_request(request));
    let (head, body) = match progress {
        Some(progress) => wait_for_head(response, progress).await?,
        None => wait_for_sent_head(response).await?,
    }
    .into_parts();
    Ok(Response { status: head.status, headers: head.headers, body, _connection: driver })
}

/// Waits for the head of a response that follows the end of a streamed body, or refuses it.
async fn wait_for_head(
    mut response: Pin<&mut impl Future<Output = hyper::Result<http::Response<Incoming>>>>,
    mut progress: watch::Receiver<Progress>,
) -> Result<http::Response<Incoming>, ClientError> {
    loop {
        tokio::select! {
            response = &mut response => return response.map_err(|_| ClientError::ConnectionLost),
            changed = timeout(SENDING_TIMEOUT, progress.changed()) => match changed {
                Ok(Ok(())) if matches!(*progress.borrow(), Progress::Sending(_)) => {}
                Ok(_) => break,
                Err(_) => return Err(ClientError::TimedOut(SENDING_TIMEOUT)),
            },
        }
    }
    if let Progress::Failed(error) = &*progress.borrow() {
        return Err(ClientError::Files(error.clone()));
    }
    wait_for_sent_head(response).await
}

/// Waits for the head of a response to a body that was sent.
async fn wait_for_sent_head(
    response: Pin<&mut impl Future<Output = hyper::Result<http::Response<Incoming>>>>,
) -> Result<http::Response<Incoming>, ClientError> {
    let response = timeout(RESPONSE_TIMEOUT, response).await;
    response.map_err(|_| ClientError::TimedOut(RESPONSE_TIMEOUT))?.map_err(|_| ClientError::ConnectionLost)
}

async fn connect(address: &Address) -> Result<Box<dyn Stream>, ClientError> {
    let failed = |error: std::io::Error| ClientError::NotConnected(error.to_string());
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
        Address::Tcp { secure, host, port, .. } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
            // The request is written at once; do not wait for more.
            stream.set_nodelay(true).map_err(failed)?;
            if !secure {
                return Ok(Box::new(stream));
            }
            let name =
                ServerName::try_from(host.clone()).map_err(|error| ClientError::Tls(error.to_string()))?;
            let stream =
                tls()?.connect(name, stream).await.map_err(|error| ClientError::Tls(error.to_string()))?;
            Ok(Box::new(stream))
        }
    }
}

/// TLS with the certificates that this machine trusts, or those of `SSL_CERT_FILE`.
fn tls() -> Result<TlsConnector, ClientError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests;
