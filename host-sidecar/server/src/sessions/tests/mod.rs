//! Sessions over HTTP, with a runner in memory.

mod backend;
mod calls;
mod executions;
mod file_store;
mod files;
mod log;
mod mcp;
mod runner;
mod terminal;

use crate::{Listen, ServeConfig, ServerConfig, Service, TenantConfig};
use backend::{MemoryBackend, NoSessions};
use cofferdam_client::Client;
use cofferdam_core::{Runtime, policy::Policy, session::SessionConfig};
use cofferdam_http_api::session::{ExecutionRequest, SessionRequest};
use std::{fs, os::unix::fs::OpenOptionsExt, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A sidecar with two tenants, of whom `bob` may have one session. Dropping it ends it.
struct Sidecar {
    address: String,
    backend: Arc<MemoryBackend>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    tokens: PathBuf,
}

/// A response, of which nothing is decoded.
struct RawResponse {
    status: u16,
    head: String,
    body: String,
}

impl Sidecar {
    fn start() -> Self {
        Self::with(|backend| Runtime::new(Policy::default(), backend).with_sessions(SessionConfig::default()))
    }

    fn without_sessions() -> Self {
        Self::with(|backend| {
            Runtime::new(Policy::default(), Arc::new(NoSessions(backend)))
                .with_sessions(SessionConfig::default())
        })
    }

    fn with(runtime: impl FnOnce(Arc<MemoryBackend>) -> Runtime) -> Self {
        let backend = Arc::new(MemoryBackend::default());
        let tokens = std::env::temp_dir().join(format!("cofferdam-tokens-{}", cofferdam_core::new_id()));
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&tokens);
        let lines = b"ada token-of-ada-0123456789\nbob token-of-bob-0123456789\n";
        std::io::Write::write_all(&mut file.expect("a file"), lines).expect("written");
        let serve = ServeConfig {
            listen: vec![Listen::Tcp("127.0.0.1:0".parse().expect("an address"))],
            token_file: Some(tokens.clone()),
            allowed_origins: vec!["https://app.example".into()],
            ..ServeConfig::default()
        };
        let bob = TenantConfig {
            max_runs: None,
            max_connections: None,
            max_sessions: Some(1),
            policy: Policy::default(),
        };
        let tenants = [("bob".to_owned(), bob)].into();
        let config = ServerConfig { serve, tenants, ..ServerConfig::default() };
        let service = Service::new(&config, runtime(backend.clone())).expect("a sidecar");
        let address = service.addresses().next().expect("an address");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(service.run(stop.clone()));
        Self { address, backend, stop, serving, tokens }
    }

    fn client(&self, tenant: &str) -> Client {
        let token = format!("token-of-{tenant}-0123456789");
        Client::new(self.address.parse().expect("an address"), Some(token))
    }

    /// Sends a request of `ada` and reads the whole response.
    async fn raw(&self, method: &str, path: &str, headers: &[&str], body: &str) -> RawResponse {
        let mut stream = self.begin(method, path, headers, body).await;
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("a response");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let status = head[9..12].parse().expect("a status");
        RawResponse { status, head: head.to_ascii_lowercase(), body: body.into() }
    }

    /// Sends a request of `ada`.
    async fn begin(&self, method: &str, path: &str, headers: &[&str], body: &str) -> TcpStream {
        self.begin_as("ada", method, path, headers, body).await
    }

    async fn begin_as(
        &self,
        tenant: &str,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> TcpStream {
        let host = self.address.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(host).await.expect("a connection");
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer token-of-{tenant}-0123456789\r\n\
             Connection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream
    }

    async fn json(&self, method: &str, path: &str, body: &str) -> RawResponse {
        self.raw(method, path, &["Content-Type: application/json"], body).await
    }

    /// A new session of `ada`.
    async fn session(&self) -> String {
        let created = self.client("ada").create_session(&SessionRequest::default()).await;
        created.expect("a session").0.id
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.stop.cancel();
        self.serving.abort();
        let _ = fs::remove_file(&self.tokens);
    }
}

impl RawResponse {
    #[track_caller]
    fn detail(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        problem["detail"].as_str().expect("a detail").into()
    }
}

fn program(args: &[&str]) -> ExecutionRequest {
    let command = Some(args.iter().map(ToString::to_string).collect());
    ExecutionRequest { command, ..ExecutionRequest::default() }
}
