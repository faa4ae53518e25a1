//! A client of a sidecar whose connections can be cut.

use bytes::Bytes;
use cofferdam_http_api::Problem;
use cofferdam_tests::conformance::Failure;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use tokio::{net::TcpStream, task::JoinSet};

/// Sends requests, each over a new connection.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// `IP:PORT` of the sidecar.
    pub(super) address: String,
}

/// Why an operation has not succeeded.
#[derive(Debug)]
pub(super) enum OperationError {
    /// Its result is not the known one. No fault is a reason for that.
    Wrong(String),
    /// It has no result: the connection broke, or the session has ended.
    NoResult(String),
}

/// The body of a request.
pub(super) enum Content {
    Empty,
    Json(Value),
    Bytes(Vec<u8>),
}

/// How much of a response is read before the connection is closed.
pub(super) enum Reading<'a> {
    All,
    Bytes(usize),
    /// Until it has this text.
    Text(&'a str),
}

/// A response, as far as it was read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) end: AnswerEnd,
}

/// Why there is no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerEnd {
    Complete,
    /// The client has closed the connection.
    Cut,
    /// The connection broke.
    Broken,
}

impl Client {
    /// Sends a request and reads the response.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Answer, OperationError> {
        self.send_and_read(method, path, content, "application/json", Reading::All).await
    }

    /// Sends a request that accepts this media type, and reads so much of the response.
    pub(super) async fn send_and_read(
        &self,
        method: Method,
        path: &str,
        content: Content,
        accept: &str,
        reading: Reading<'_>,
    ) -> Result<Answer, OperationError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("accept", accept);
        let request = match content {
            Content::Empty => request.body(Full::default()),
            Content::Json(value) => {
                request.header("content-type", "application/json").body(Full::new(value.to_string().into()))
            }
            Content::Bytes(bytes) => {
                request.header("content-type", "application/octet-stream").body(Full::new(bytes.into()))
            }
        };
        self.exchange(request.map_err(Failure::from)?, reading).await.map_err(OperationError::from)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, reading: Reading<'_>) -> Result<Answer, Failure> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Dropping it closes the connection.
        let mut connections = JoinSet::new();
        connections.spawn(async {
            // An error appears in the response, too.
            let _ = connection.await;
        });
        let mut response = sender.send_request(request).await?;
        let (status, mut body) = (response.status().as_u16(), Vec::new());
        let end = loop {
            if reading.is_enough(&body) {
                break AnswerEnd::Cut;
            }
            match response.frame().await {
                None => break AnswerEnd::Complete,
                Some(Ok(frame)) => body.extend(frame.into_data().unwrap_or_default()),
                Some(Err(_)) => break AnswerEnd::Broken,
            }
        };
        if let Reading::Bytes(count) = reading {
            body.truncate(count);
        }
        Ok(Answer { status, body, end })
    }
}

impl Reading<'_> {
    fn is_enough(&self, body: &[u8]) -> bool {
        match self {
            Self::All => false,
            Self::Bytes(count) => body.len() >= *count,
            Self::Text(text) => String::from_utf8_lossy(body).contains(text),
        }
    }
}

impl Answer {
    /// Whether it is an error after which the same request may succeed.
    pub(super) fn may_be_retried(&self) -> bool {
        serde_json::from_slice(&self.body).is_ok_and(|problem: Problem| problem.retryable)
    }

    /// The answer, if it has this status.
    pub(super) fn expect(self, status: u16) -> Result<Self, OperationError> {
        if self.status == status {
            return Ok(self);
        }
        let text = format!("{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body));
        // All other errors would blame the request or the sidecar.
        Err(if self.status == 410 { OperationError::NoResult(text) } else { OperationError::Wrong(text) })
    }

    /// The whole body.
    pub(super) fn bytes(self) -> Result<Vec<u8>, OperationError> {
        match self.end {
            AnswerEnd::Complete => Ok(self.body),
            end => Err(OperationError::NoResult(format!("{end:?} after {} bytes", self.body.len()))),
        }
    }

    /// The whole body, from JSON.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, OperationError> {
        let body = self.bytes()?;
        serde_json::from_slice(&body)
            .map_err(|error| OperationError::Wrong(format!("{error}: {}", String::from_utf8_lossy(&body))))
    }
}

/// Fails with a text unless a condition holds.
pub(super) fn expect(condition: bool, text: impl FnOnce() -> String) -> Result<(), OperationError> {
    if condition { Ok(()) } else { Err(OperationError::Wrong(text())) }
}

impl From<Failure> for OperationError {
    fn from(error: Failure) -> Self {
        error.downcast().map_or_else(|other| Self::NoResult(other.to_string()), |error| *error)
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(text) => f.write_str(text),
            Self::NoResult(text) => write!(f, "no result: {text}"),
        }
    }
}

impl std::error::Error for OperationError {}
