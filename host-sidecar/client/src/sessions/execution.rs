//! Executions of a session of a sidecar.

use super::call::{execution_path, read_json, session_path};
use crate::{
    Client,
    body_channel::BodyChannel,
    connection::{Call, JSON, Response},
    error::ClientError,
    execution::{EVENT_STREAM, MAX_EVENT},
};
use cofferdam_http_api::{
    EventDecoder,
    session::{ExecutionRequest, SessionEvent, SessionExecution, SignalRequest},
};
use cofferdam_types::Error;
use http::Method;
use http_body_util::Full;
use hyper::body::Bytes;

/// The events of an execution of a session. Dropping it disconnects.
#[derive(Debug)]
pub struct SessionEvents {
    response: Response,
    decoder: EventDecoder,
}

impl Client {
    /// Executes a program in a session, and follows it. It is killed if the events are dropped before its end.
    ///
    /// # Errors
    ///
    /// Those of the sidecar, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn execute(&self, session: &str, request: &ExecutionRequest) -> Result<SessionEvents, Error> {
        let body = serde_json::to_vec(request).map_err(|_| ClientError::TooLarge)?;
        let path = session_path(session, "/executions");
        let call = Call {
            method: Method::POST,
            path: &path,
            accept: EVENT_STREAM,
            content_type: Some(JSON),
            headers: &[],
        };
        Ok(SessionEvents::of(self.send_body(call, Full::new(Bytes::from(body))).await?)?)
    }

    /// Starts a program in the background of a session. The request must ask for that.
    ///
    /// # Errors
    ///
    /// As for [`Client::execute`].
    pub async fn start_in_session(
        &self,
        session: &str,
        request: &ExecutionRequest,
    ) -> Result<SessionExecution, Error> {
        let path = session_path(session, "/executions");
        Ok(read_json(self.send_json(Method::POST, &path, Some(request)).await?).await?)
    }

    /// Follows an execution from a position of its output.
    ///
    /// # Errors
    ///
    /// As for [`Client::execute`].
    pub async fn output(&self, session: &str, execution: &str, from: u64) -> Result<SessionEvents, Error> {
        let path = execution_path(session, execution, &format!("/output?from={from}"));
        Ok(SessionEvents::of(self.get(&path, EVENT_STREAM).await?)?)
    }

    /// Writes to the standard input of an execution, which ends with the body.
    ///
    /// # Errors
    ///
    /// As for [`Client::execute`].
    pub async fn write_stdin(&self, session: &str, execution: &str, body: BodyChannel) -> Result<(), Error> {
        let path = execution_path(session, execution, "/stdin?close=true");
        Ok(self.send_bytes(Method::POST, &path, body, None).await?)
    }

    /// Sends a signal to an execution.
    ///
    /// # Errors
    ///
    /// As for [`Client::execute`].
    pub async fn signal(&self, session: &str, execution: &str, signal: u8) -> Result<(), Error> {
        let path = execution_path(session, execution, "/signal");
        self.send_json(Method::POST, &path, Some(&SignalRequest { signal })).await?;
        Ok(())
    }

    /// Kills all processes of an execution, and waits for its end.
    ///
    /// # Errors
    ///
    /// As for [`Client::execute`].
    pub async fn kill(&self, session: &str, execution: &str) -> Result<SessionExecution, Error> {
        let path = execution_path(session, execution, "");
        Ok(read_json(self.send_json(Method::DELETE, &path, None::<&()>).await?).await?)
    }
}

impl SessionEvents {
    fn of(response: Response) -> Result<Self, ClientError> {
        if response.media_type() != EVENT_STREAM {
            return Err(ClientError::UnexpectedResponse(response.status.as_u16()));
        }
        Ok(Self { response, decoder: EventDecoder::default() })
    }

    /// The next event. The last one is [`SessionEvent::Ended`] or [`SessionEvent::Failed`].
    ///
    /// # Errors
    ///
    /// The connection ended before that.
    pub async fn next(&mut self) -> Result<SessionEvent, Error> {
        loop {
            if let Some(data) = self.decoder.next_event() {
                let unexpected = |_| ClientError::UnexpectedResponse(self.response.status.as_u16());
                return Ok(serde_json::from_slice(&data).map_err(unexpected)?);
            }
            let bytes = self.response.next().await?.ok_or(ClientError::ConnectionLost)?;
            if bytes.len() > MAX_EVENT.saturating_sub(self.decoder.buffered()) {
                return Err(ClientError::TooLarge.into());
            }
            self.decoder.push(&bytes);
        }
    }
}
