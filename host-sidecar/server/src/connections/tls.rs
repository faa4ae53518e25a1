//! TLS for TCP sockets.

use crate::{config::ServeConfig, setup_error::SetupError};
use cofferdam_core::os::regular_file::{self, Links};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{path::Path, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// Maximum size of a file of certificates, in bytes.
const MAX_FILE: usize = 1 << 20;

/// TLS with the certificates of the settings; `None` without any.
pub(crate) fn acceptor(serve: &ServeConfig) -> Result<Option<TlsAcceptor>, SetupError> {
    let (Some(cert), Some(key)) = (&serve.tls_cert, &serve.tls_key) else { return Ok(None) };
    let failed = |path: &Path, problem: String| SetupError::Tls { path: path.to_owned(), problem };
    let read = |path: &Path| {
        regular_file::read(path, MAX_FILE, Links::Follow)
            .map_err(|error| failed(path, format!("cannot be read: {error}")))
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(cert)?)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(cert, error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| failed(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| failed(cert, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
