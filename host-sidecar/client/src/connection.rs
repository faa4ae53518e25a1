//! One HTTP request on a new connection, and its response.

use super::{
    address::Address,
    error::ClientError,
    multipart::{MultipartBody, Progress},
};
use cofferdam_core::Inputs;
use cofferdam_http_api::{EXECUTIONS, PROBLEM, VERSION, VERSION_HEADER};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    client::conn::http1::handshake,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};
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
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time without progress of a streamed body: a sidecar does not read it while the execution is queued.
pub(super) const SENDING_TIMEOUT: Duration = Duration::from_secs(660);

/// The media type of most bodies.
pub(super) const JSON: &str = "application/json";

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
    /// What the connection may become.
    #[cfg_attr(not(feature = "terminal"), expect(dead_code, reason = "only terminals use it"))]
    pub(super) extensions: Extensions,
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

/// What is asked of a sidecar.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The path of the API, with its query.
    pub(super) path: &'a str,
    /// The media type of a response that is no error.
    pub(super) accept: &'a str,
    /// The media type of the body, if there is one.
    pub(super) content_type: Option<&'a str>,
    /// More headers.
    pub(super) headers: &'a [(HeaderName, HeaderValue)],
}

/// A request that is being sent.
pub(super) struct Sending {
    response: Pin<Box<dyn Future<Output = hyper::Result<http::Response<Incoming>>> + Send>>,
    driver: JoinSet<()>,
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
    let path = format!("{EXECUTIONS}{subpath}");
    let call = |content_type| Call { method, path: &path, accept, content_type, headers: &[] };
    match body.inputs {
        Some(inputs) => {
            let (body, progress) = MultipartBody::new(&body.json, inputs);
            let content_type = body.content_type();
            let sending = begin(address, token, call(Some(&content_type)), body).await?;
            sending.wait_for_head(progress, Some(SENDING_TIMEOUT)).await
        }
        None => {
            let content_type = (!body.json.is_empty()).then_some(JSON);
            let body = Full::new(Bytes::from(body.json));
            begin(address, token, call(content_type), body).await?.wait_for_sent_head(RESPONSE_TIMEOUT).await
        }
    }
}

/// Connects, and begins to send a request.
pub(super) async fn begin<B>(
    address: &Address,
    token: Option<&str>,
    call: Call<'_>,
    body: B,
) -> Result<Sending, ClientError>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let mut request = Request::builder()
        .method(call.method)
        .uri(format!("{}{}", address.prefix(), call.path))
        .header(header::HOST, address.authority())
        .header(header::ACCEPT, format!("{}, {PROBLEM}", call.accept))
        .header(VERSION_HEADER, VERSION);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(content_type) = call.content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in call.headers {
        request = request.header(name, value);
    }
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
        let _ = connection.with_upgrades().await;
    });
    Ok(Sending { response: Box::pin(async move { sender.send_request(request).await }), driver })
}

impl Sending {
    /// Waits for the head of a response that follows the end of a streamed body, or refuses it. `idle` is the longest
    /// time without progress of the body.
    pub(super) async fn wait_for_head(
        mut self,
        mut progress: watch::Receiver<Progress>,
        idle: Option<Duration>,
    ) -> Result<Response, ClientError> {
        loop {
            let changed = async {
                match idle {
                    Some(idle) => {
                        timeout(idle, progress.changed()).await.map_err(|_| ClientError::TimedOut(idle))
                    }
                    None => Ok(progress.changed().await),
                }
            };
            tokio::select! {
                response = &mut self.response => return self.response(response),
                changed = changed => match changed? {
                    Ok(()) if matches!(*progress.borrow(), Progress::Sending(_)) => {}
                    _ => break,
                },
            }
        }
        if let Progress::Failed(error) = &*progress.borrow() {
            return Err(ClientError::Files(error.clone()));
        }
        self.wait_for_sent_head(RESPONSE_TIMEOUT).await
    }

    /// Waits for the head of a response to a body that was sent, for so long.
    pub(super) async fn wait_for_sent_head(mut self, time: Duration) -> Result<Response, ClientError> {
        let response = timeout(time, &mut self.response).await.map_err(|_| ClientError::TimedOut(time))?;
        self.response(response)
    }

    fn response(self, response: hyper::Result<http::Response<Incoming>>) -> Result<Response, ClientError> {
        let (head, body) = response.map_err(|_| ClientError::ConnectionLost)?.into_parts();
        let http::response::Parts { status, headers, extensions, .. } = head;
        Ok(Response { status, headers, extensions, body, _connection: self.driver })
    }
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
