//! `/v1/sessions/{id}/executions/{execution}/terminal`: the terminal of an execution as a WebSocket.

use crate::{
    api_error::ApiError,
    connections::{busy::BusyGuard, table::Connection},
    request::query::Query,
    response::{
        execution_events::event_to_json,
        websocket::{Handshake, MAX_MESSAGE, Upgrade, WebSocket},
    },
    sessions::{ExecutionOfSession, execution_to_json},
    state::AppState,
};
use axum::{Extension, extract::State, response::Response};
use cofferdam_core::session::{OutputEvent, OutputReader, SessionExecution, TerminalSize};
use cofferdam_http_api::{
    ErrorCode, Problem,
    session::{self, SessionEvent},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::{HeaderMap, StatusCode};
use std::{
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Interval of pings in an idle connection, so that no proxy closes it.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Time for the caller to close the connection after the end of the execution.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum bytes of a reason, by RFC 6455.
const MAX_REASON: usize = 123;

/// Connects to the terminal of an execution. Binary messages are its input and its output. A text message of the caller
/// is a `TerminalSize`; those of the sidecar are `SessionEvent`s other than output. The sidecar closes the connection
/// after another message, with a code and the reason. The execution continues when the caller disconnects, and any number
/// of callers may be connected.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/executions/{execution}/terminal",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of an execution with a terminal"),
        ("from" = Option<u64>, Query, description = "The number of bytes of output that the caller has got. Default: 0"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket"),
        (status = "4XX", description = "409: the execution has no terminal. 426: the request is no handshake of a \
         WebSocket", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn terminal(
    State(state): State<Arc<AppState>>,
    Extension(connection): Extension<Weak<Connection>>,
    ExecutionOfSession(execution): ExecutionOfSession,
    query: Query,
    upgrade: Upgrade,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let from = query.only(&["from"])?.number("from")?.unwrap_or_default();
    if !execution.info().terminal {
        let text = "the execution has no terminal; start it with `terminal`";
        return Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text));
    }
    let handshake = Handshake::new(&headers, upgrade)?;
    let response = handshake.response();
    // It counts as a connection for as long as it exists.
    let Some(connection) = connection.upgrade() else { return Ok(response) };
    tokio::spawn(async move {
        let serve = async {
            let Some(socket) = handshake.socket().await else { return };
            let _busy = BusyGuard::new(&connection.activity);
            if let Err(error) = serve(&state, socket, execution, from).await {
                tracing::debug!(%error, "the connection to a terminal ended");
            }
        };
        tokio::select! {
            () = serve => {}
            () = connection.closed.cancelled() => {}
            () = state.shutting_down.cancelled() => {}
        }
    });
    Ok(response)
}

/// Passes input and output on until the caller disconnects or sends what is no input, or until the execution has ended
/// and its output is sent.
async fn serve(state: &AppState, socket: WebSocket, execution: SessionExecution, from: u64) -> Sent {
    let (mut sink, mut stream) = socket.split();
    let refused = {
        let mut receiving = pin!(receive_input(state, &mut stream, &execution));
        tokio::select! {
            sent = send_output(state, &mut sink, &execution, execution.output(from)) => {
                sent?;
                // A connection that closes with input unread may lose output that is on the way.
                return timeout(CLOSE_TIMEOUT, receiving).await.unwrap_or(Ok(None)).map(drop);
            }
            received = receiving.as_mut() => received?,
        }
    };
    let Some(frame) = refused else { return Ok(()) };
    let close = async {
        sink.send(Message::Close(Some(frame))).await?;
        while stream.next().await.transpose()?.is_some() {}
        Ok(())
    };
    timeout(CLOSE_TIMEOUT, close).await.unwrap_or(Ok(()))
}

/// Whether the connection is still there.
type Sent = Result<(), tungstenite::Error>;

async fn send_output(
    state: &AppState,
    sink: &mut SplitSink<WebSocket, Message>,
    execution: &SessionExecution,
    mut output: OutputReader,
) -> Sent {
    let accepted = SessionEvent::Accepted { accepted: execution_to_json(execution.info()) };
    sink.send(text(&accepted)).await?;
    loop {
        let message = match timeout(PING_INTERVAL, output.next()).await {
            Err(_) => Message::Ping(Vec::new().into()),
            Ok(None) => break,
            Ok(Some(OutputEvent::Output { bytes, .. })) => {
                state.metrics.sessions.sent(bytes.len());
                Message::Binary(bytes)
            }
            Ok(Some(event)) => text(&event_to_json(event)),
        };
        sink.send(message).await?;
    }
    sink.close().await
}

fn text(event: &SessionEvent) -> Message {
    Message::Text(serde_json::to_string(event).unwrap_or_default().into())
}

/// Passes input on. Returns with what the connection is to be closed if a message is no input.
async fn receive_input(
    state: &AppState,
    stream: &mut SplitStream<WebSocket>,
    execution: &SessionExecution,
) -> Result<Option<CloseFrame>, tungstenite::Error> {
    while let Some(message) = stream.next().await {
        let message = match message {
            Err(error) => return refusal(&error).map(Some).ok_or(error),
            Ok(message) => message,
        };
        let written = match message {
            Message::Binary(bytes) => {
                state.metrics.sessions.received(bytes.len());
                execution.write_stdin(bytes.into()).await
            }
            Message::Text(size) => {
                let size = match terminal_size(&size) {
                    Err(frame) => return Ok(Some(frame)),
                    Ok(size) => size,
                };
                execution.resize(size).await
            }
            Message::Close(_) => return Ok(None),
            _ => Ok(()),
        };
        if let Err(error) = written {
            // It may have ended, while its output is still being sent.
            tracing::debug!(%error, "input of a terminal was not written");
        }
    }
    Ok(None)
}

/// The size in a text message.
fn terminal_size(text: &str) -> Result<TerminalSize, CloseFrame> {
    let problem = match serde_json::from_str(text) {
        Ok(session::TerminalSize { columns: 1.., rows: 0 } | session::TerminalSize { columns: 0, .. }) => {
            "it has no columns or no rows".to_owned()
        }
        Ok(session::TerminalSize { columns, rows }) => return Ok(TerminalSize { columns, rows }),
        Err(error) => error.to_string(),
    };
    let what = r#"a text message is not a size like {"columns":80,"rows":24}; send input as binary"#;
    Err(close_frame(CloseCode::Invalid, &format!("{what}: {problem}")))
}

/// How a message is refused that is malformed or too large; none if the connection is at fault.
fn refusal(error: &tungstenite::Error) -> Option<CloseFrame> {
    match error {
        tungstenite::Error::Capacity(_) => {
            let text = format!("a message has more than {MAX_MESSAGE} bytes; send several");
            Some(close_frame(CloseCode::Size, &text))
        }
        tungstenite::Error::Utf8(_) => {
            let text = "a text message is not UTF-8; send input as binary messages";
            Some(close_frame(CloseCode::Invalid, text))
        }
        _ => None,
    }
}

fn close_frame(code: CloseCode, reason: &str) -> CloseFrame {
    let end = reason.floor_char_boundary(MAX_REASON);
    CloseFrame { code, reason: reason.get(..end).unwrap_or_default().into() }
}
