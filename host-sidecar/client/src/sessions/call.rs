//! Calls of the HTTP API, and their paths.

use crate::{
    Client,
    body_channel::BodyChannel,
    connection::{Call, JSON, Response, SENDING_TIMEOUT, begin},
    error::ClientError,
    execution::{check_version, read_error},
};
use cofferdam_http_api::session::SESSIONS;
use cofferdam_types::Error;
use http::Method;
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Maximum size of a response in JSON, in bytes: a list of very many files.
const MAX_JSON: usize = 256 << 20;
const OCTETS: &str = "application/octet-stream";
/// What stays as it is in a path and in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Bytes of a name in a path or a query.
pub(super) fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

/// The path of a session, followed by `rest`.
pub(super) fn session_path(session: &str, rest: &str) -> String {
    format!("{SESSIONS}/{}{rest}", encoded(session.as_bytes()))
}

/// The path of an execution of a session, followed by `rest`.
pub(super) fn execution_path(session: &str, execution: &str, rest: &str) -> String {
    session_path(session, &format!("/executions/{}{rest}", encoded(execution.as_bytes())))
}

/// The path of a call on the files of a session, with the path that it concerns.
pub(super) fn file_path(session: &str, call: &str, path: &[u8]) -> String {
    session_path(session, &format!("/files{call}?path={}", encoded(path)))
}

impl Client {
    /// Sends a body of JSON, or none. The creation of a session may take as long as a start.
    pub(super) async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, ClientError> {
        let body = body.map(serde_json::to_vec).transpose().map_err(|_| ClientError::TooLarge)?;
        let content_type = body.is_some().then_some(JSON);
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        self.send_body(Call { method, path, accept: JSON, content_type, headers: &[] }, body).await
    }

    /// Sends a call with a body that is there.
    pub(super) async fn send_body(&self, call: Call<'_>, body: Full<Bytes>) -> Result<Response, ClientError> {
        let sending = begin(&self.address, self.token.as_deref(), call, body).await?;
        checked(sending.wait_for_sent_head(SENDING_TIMEOUT).await?).await
    }

    pub(super) async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        Ok(read_json(self.send_json(Method::GET, path, None::<&()>).await?).await?)
    }

    /// Gets bytes or events.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Response, ClientError> {
        let call = Call { method: Method::GET, path, accept, content_type: None, headers: &[] };
        self.send_body(call, Full::default()).await
    }

    /// Sends bytes as they come. `idle` is the longest time without any.
    pub(super) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        body: BodyChannel,
        idle: Option<Duration>,
    ) -> Result<(), ClientError> {
        let call = Call { method, path, accept: JSON, content_type: Some(OCTETS), headers: &[] };
        let progress = body.progress();
        let sending = begin(&self.address, self.token.as_deref(), call, body).await?;
        checked(sending.wait_for_head(progress, idle).await?).await.map(drop)
    }
}

/// A response that is no error.
pub(super) async fn checked(response: Response) -> Result<Response, ClientError> {
    check_version(&response)?;
    if response.status.is_success() { Ok(response) } else { Err(read_error(response).await) }
}

pub(super) async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status.as_u16();
    let body = response.read(MAX_JSON).await?;
    serde_json::from_slice(&body).map_err(|_| ClientError::UnexpectedResponse(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_character_with_another_meaning() {
        assert_eq!(
            file_path("s/1", "/stat", b"/a b/\xff?&=+%"),
            "/v1/sessions/s%2F1/files/stat?path=%2Fa%20b%2F%FF%3F%26%3D%2B%25"
        );
        assert_eq!(execution_path("s", "e.1", "/stdin"), "/v1/sessions/s/executions/e.1/stdin");
    }
}
