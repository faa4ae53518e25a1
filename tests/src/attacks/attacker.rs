//! A hostile tenant and its connections, to loopback only.

use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// A hostile tenant of one sidecar.
#[derive(Debug, Clone)]
pub struct Attacker {
    /// `IP:PORT` of the sidecar.
    pub address: String,
    /// The attacker's token.
    pub token: String,
    /// The end of the attack.
    pub until: Instant,
}

impl Attacker {
    /// Whether the attack continues.
    #[must_use]
    pub fn is_active(&self) -> bool {
        Instant::now() < self.until
    }

    /// Opens a connection and sends these bytes.
    ///
    /// # Errors
    ///
    /// The sidecar does not accept the bytes, or the attack has ended.
    pub async fn send(&self, bytes: &[&[u8]]) -> io::Result<TcpStream> {
        let sent = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            for bytes in bytes {
                stream.write_all(bytes).await?;
            }
            Ok(stream)
        };
        timeout_at(self.until, sent).await.map_err(io::Error::from)?
    }

    /// Sends a request with the attacker's token and returns the connection, from which the response can be
    /// read.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    pub async fn request(&self, line: &str, headers: &str, body: &[u8]) -> io::Result<TcpStream> {
        let Self { address, token, .. } = self;
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        self.send(&[head.as_bytes(), body]).await
    }

    /// Sends a request and reads the response until the sidecar closes the connection.
    ///
    /// # Errors
    ///
    /// As [`Self::send`], or the connection breaks.
    pub async fn exchange(&self, line: &str, headers: &str, body: &[u8]) -> io::Result<String> {
        let mut stream = self.request(line, &format!("Connection: close\r\n{headers}"), body).await?;
        let mut response = Vec::new();
        timeout_at(self.until, stream.read_to_end(&mut response)).await.map_err(io::Error::from)??;
        Ok(String::from_utf8_lossy(&response).into_owned())
    }

    /// Executes a program and returns the execution's id, or `None` if the sidecar refuses.
    pub async fn execute(&self, code: &str, headers: &str) -> Option<String> {
        let body = format!(r#"{{"code":"{code}"}}"#);
        let response = self.exchange("POST /v1/executions", headers, body.as_bytes()).await.ok()?;
        let id = response.split_once(r#"{"id":""#)?.1.split('"').next()?;
        Some(id.to_owned())
    }

    /// Waits for the end of the attack.
    pub async fn wait(&self) {
        tokio::time::sleep_until(self.until).await;
    }
}
