//! A tenant that means harm, and its connections: to loopback, and no more of them than an attack needs.

use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// Who attacks, whom, and until when.
#[derive(Debug, Clone)]
pub struct Attacker {
    /// `IP:PORT` of the sidecar.
    pub address: String,
    /// The attacker's own token.
    pub token: String,
    /// When the attack is over.
    pub until: Instant,
}

impl Attacker {
    /// Whether the attack goes on.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// A connection on which these bytes were sent.
    ///
    /// # Errors
    ///
    /// The sidecar does not take them, or the attack is over.
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

    /// Sends a request with the attacker's token, and gives the connection on which its answer comes.
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

    /// Sends a request and reads the whole answer, after which the sidecar closes the connection.
    ///
    /// # Errors
    ///
    /// As [`Self::send`], or the answer breaks off.
    pub async fn answer(&self, line: &str, headers: &str, body: &[u8]) -> io::Result<String> {
        let stream = self.request(line, &format!("Connection: close\r\n{headers}"), body).await?;
        let mut answer = Vec::new();
        let mut stream = stream;
        timeout_at(self.until, stream.read_to_end(&mut answer)).await.map_err(io::Error::from)??;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Runs a program and gives its id; none where the sidecar refuses.
    pub async fn execute(&self, code: &str, headers: &str) -> Option<String> {
        let body = format!(r#"{{"code":"{code}"}}"#);
        let answer = self.answer("POST /v1/executions", headers, body.as_bytes()).await.ok()?;
        let id = answer.split_once(r#"{"id":""#)?.1.split('"').next()?;
        Some(id.to_owned())
    }

    /// Waits until the attack is over.
    pub async fn wait(&self) {
        tokio::time::sleep_until(self.until).await;
    }
}
