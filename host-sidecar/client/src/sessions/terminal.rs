//! The terminal of an execution of a session, over WebSocket (RFC 6455).

use super::call::execution_path;
use crate::{
    Client,
    connection::{Call, JSON, RESPONSE_TIMEOUT, begin},
    error::ClientError,
    execution::read_error,
};
use cofferdam_http_api::session::{SessionEvent, TerminalSize};
use cofferdam_types::Error;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::Empty;
use hyper::{
    body::Bytes,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// A connection to a terminal: its two directions.
#[derive(Debug)]
pub struct Terminal {
    /// What is typed.
    pub input: TerminalInput,
    /// What is shown.
    pub output: TerminalOutput,
}

/// What is typed. Dropping both directions disconnects, and the execution goes on.
#[derive(Debug)]
pub struct TerminalInput(SplitSink<WebSocket, Message>);

/// What is shown.
#[derive(Debug)]
pub struct TerminalOutput(SplitStream<WebSocket>);

/// What comes from a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    /// Bytes to show.
    Output(Bytes),
    /// Another event: the execution, a gap, or the end.
    Event(SessionEvent),
}

impl Client {
    /// Connects to the terminal of an execution, and gets its output from a position on.
    ///
    /// # Errors
    ///
    /// Those of the sidecar, or [`cofferdam_types::ErrorCode::Unreachable`].
    pub async fn terminal(&self, session: &str, execution: &str, from: u64) -> Result<Terminal, Error> {
        let path = execution_path(session, execution, &format!("/terminal?from={from}"));
        let key = generate_key();
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
            (header::SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).map_err(|_| ClientError::TooLarge)?),
        ];
        let call =
            Call { method: Method::GET, path: &path, accept: JSON, content_type: None, headers: &headers };
        let sending = begin(&self.address, self.token.as_deref(), call, Empty::new()).await?;
        let mut response = sending.wait_for_sent_head(RESPONSE_TIMEOUT).await?;
        let status = response.status;
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(read_error(response).await.into());
        }
        let accepted = response.headers.get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        let on_upgrade = response.extensions.remove::<OnUpgrade>();
        let (Some(on_upgrade), true) =
            (on_upgrade, accepted == Some(derive_accept_key(key.as_bytes()).as_bytes()))
        else {
            return Err(ClientError::UnexpectedResponse(status.as_u16()).into());
        };
        let upgraded = on_upgrade.await.map_err(|_| ClientError::ConnectionLost)?;
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
        let (input, output) = socket.split();
        Ok(Terminal { input: TerminalInput(input), output: TerminalOutput(output) })
    }
}

impl TerminalInput {
    /// Sends bytes that were typed.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// Sends the size of the window.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub async fn resize(&mut self, size: TerminalSize) -> Result<(), Error> {
        let size = serde_json::to_string(&size).map_err(|_| ClientError::TooLarge)?;
        self.send(Message::Text(size.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.0.send(message).await.map_err(|_| ClientError::ConnectionLost.into())
    }
}

impl TerminalOutput {
    /// The next event; none after the end of the execution.
    ///
    /// # Errors
    ///
    /// The connection ended before that.
    pub async fn next(&mut self) -> Result<Option<TerminalEvent>, Error> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(Some(TerminalEvent::Output(bytes))),
                Some(Ok(Message::Text(event))) => {
                    let event =
                        serde_json::from_str(&event).map_err(|_| ClientError::UnexpectedResponse(101))?;
                    return Ok(Some(TerminalEvent::Event(event)));
                }
                Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(ClientError::ConnectionLost.into()),
            }
        }
    }
}
