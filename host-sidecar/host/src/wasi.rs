//! WASI, of which a guest has only what is granted.

use crate::{allowed_host::AllowedHost, cli::GuestArgs, error::HostError};
use std::sync::Arc;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

/// Random bytes of one call, which nothing interrupts.
const MAX_RANDOM: u64 = 1 << 20;

/// The WASI of a guest with these arguments. Sockets, directories, variables and standard input are absent unless they are
/// granted; what a guest prints is shown.
pub(crate) fn context(guest: &GuestArgs, args: &[String], is_command: bool) -> Result<WasiCtx, HostError> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdout().inherit_stderr().args(args).max_random_size(MAX_RANDOM);
    if is_command {
        wasi.inherit_stdin();
    }
    for variable in &guest.variables {
        wasi.env(&variable.name, &variable.value);
    }
    for directory in &guest.directories {
        let permissions = if directory.is_read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        wasi.preopened_dir(&directory.host, &directory.guest, permissions)
            .map_err(|source| HostError::Directory { path: directory.host.clone(), source })?;
    }
    Ok(wasi.build())
}

/// Sends the HTTP requests of a guest, to the allowed hosts only.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    allowed: Arc<[AllowedHost]>,
}

impl HttpClient {
    /// A client that connects to these hosts.
    pub(crate) fn new(allowed: &[AllowedHost]) -> Self {
        Self { allowed: allowed.into() }
    }
}

/// A response, and the work that transfers its body.
type Exchange = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for HttpClient {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Exchange> + Send> {
        let is_allowed = self.allowed.iter().any(|host| host.allows(request.uri()));
        Box::new(async move {
            if !is_allowed {
                let host = request.uri().host().unwrap_or_default();
                tracing::warn!(
                    host,
                    "the component's request is refused: --allow-host does not name this host"
                );
                return Err(Error::HttpRequestDenied);
            }
            let (response, transfer) = default_send_request(request, options).await?;
            let transfer: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(transfer);
            Ok((response.map(http_body_util::BodyExt::boxed_unsync), transfer))
        })
    }
}
