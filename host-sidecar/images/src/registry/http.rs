//! HTTP requests for a thread that may wait.

use super::{
    RegistryConfig,
    address::{NOT_PUBLIC, Resolver, may_be_dialled},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{
    collections::BTreeSet,
    error::Error,
    io::{self, Read},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

const FORM: &str = "application/x-www-form-urlencoded";
/// Time until a response begins, and between two parts of one.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Time of a whole pull: a registry that sends a byte now and then ends too.
const PULL_TIMEOUT: Duration = Duration::from_secs(3600);
/// The same for a pull that a request has caused.
const REQUESTED_PULL_TIMEOUT: Duration = Duration::from_secs(600);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const AGENT: &str = concat!("cofferdam/", env!("CARGO_PKG_VERSION"));

type HttpsClient = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// A client. It has its own runtime, which works while its thread waits.
#[derive(Debug)]
pub(super) struct Http {
    runtime: Rc<Runtime>,
    client: HttpsClient,
    /// For the hosts that the settings do not name, if they must have public addresses.
    public_client: Option<HttpsClient>,
    /// The hosts that the settings name.
    named_hosts: BTreeSet<String>,
    deadline: Instant,
}

/// A response, whose body is read as it arrives.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// The body of a response.
#[derive(Debug)]
pub(super) struct Body {
    runtime: Rc<Runtime>,
    incoming: Incoming,
    chunk: Bytes,
    deadline: Instant,
}

impl Http {
    /// A client for one pull. With `only_public`, a host that the settings do not name must have a public address.
    pub(super) fn new(config: &RegistryConfig, only_public: bool) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let tls = tls(config)?;
        Ok(Self {
            runtime: Rc::new(runtime),
            public_client: only_public.then(|| client(tls.clone(), true)),
            client: client(tls, false),
            named_hosts: config.named_hosts(),
            deadline: Instant::now() + if only_public { REQUESTED_PULL_TIMEOUT } else { PULL_TIMEOUT },
        })
    }

    /// The client that may reach a host.
    fn client_for(&self, uri: &Uri, host: &str) -> Result<&HttpsClient, String> {
        let Some(public_client) = self.public_client.as_ref().filter(|_| !self.named_hosts.contains(host))
        else {
            return Ok(&self.client);
        };
        // An address is dialled without a resolver.
        let address = uri.host().unwrap_or_default().trim_matches(['[', ']']).parse();
        match address {
            Ok(address) if !may_be_dialled(address) => Err(format!("{host} cannot be reached: {NOT_PUBLIC}")),
            _ => Ok(public_client),
        }
    }

    /// Sends a GET request. Redirections are not followed.
    pub(super) fn get(&self, uri: &Uri, accept: &str, authorization: Option<&str>) -> Result<Answer, String> {
        let mut request = Request::get(uri).header(ACCEPT, accept).header(USER_AGENT, AGENT);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.send(uri, request.body(Full::default()))
    }

    /// Sends a form by POST.
    pub(super) fn post(&self, uri: &Uri, form: String) -> Result<Answer, String> {
        let request = Request::post(uri).header(CONTENT_TYPE, FORM).header(USER_AGENT, AGENT);
        self.send(uri, request.body(form.into()))
    }

    /// Waits as a registry asks for it.
    pub(super) fn wait(&self, time: Duration) {
        self.runtime.block_on(async { sleep(time).await });
    }

    fn send(&self, uri: &Uri, request: hyper::http::Result<Request<Full<Bytes>>>) -> Result<Answer, String> {
        let request = request.map_err(|error| error.to_string())?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let client = self.client_for(uri, &host)?;
        let answered =
            self.runtime.block_on(async { timeout(until(self.deadline), client.request(request)).await });
        let response: Response<Incoming> = answered
            .map_err(|_| format!("{host} does not answer"))?
            .map_err(|error| format!("{host} cannot be reached: {}", reason(&error)))?;
        let (parts, incoming) = response.into_parts();
        let body =
            Body { runtime: self.runtime.clone(), incoming, chunk: Bytes::new(), deadline: self.deadline };
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next =
                self.runtime.block_on(async { timeout(until(self.deadline), self.incoming.frame()).await });
            match next.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? {
                None => return Ok(0),
                Some(frame) => self.chunk = frame.map_err(io::Error::other)?.into_data().unwrap_or_default(),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        let read = self.chunk.split_to(count);
        buffer.get_mut(..count).unwrap_or_default().copy_from_slice(&read);
        Ok(count)
    }
}

fn client(tls: ClientConfig, only_public: bool) -> HttpsClient {
    let mut connector = HttpConnector::new_with_resolver(Resolver::new(only_public));
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// The time that a step may take.
fn until(deadline: Instant) -> Duration {
    TIMEOUT.min(deadline.saturating_duration_since(Instant::now()))
}

/// The reason that is at the bottom of a chain: the others repeat that a request failed.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    // An error of I/O has what it wraps not as its source.
    while let Some(inner) = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
        None => error.source(),
    } {
        error = inner;
    }
    let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    if error.downcast_ref::<rustls::Error>() == Some(&unknown) {
        "its certificate is not signed by an authority that is trusted; `images.ca_file` can name that authority's certificate".into()
    } else {
        error.to_string()
    }
}

/// Trusts the system's certificates and those of the file.
fn tls(config: &RegistryConfig) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &config.ca_file {
        let failed = |error: &dyn Error| {
            io::Error::other(format!("the certificates in {} cannot be read: {error}", file.display()))
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
            let certificate = certificate.map_err(|error| failed(&error))?;
            roots.add(certificate).map_err(|error| failed(&error))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
