//! `/v1/sessions/{id}/executions/{execution}/terminal`: the terminal of an execution as a WebSocket.

use crate::{
    api_error::ApiError,
    connections::{busy::BusyGuard, table::Connection},
    request::query::Query,
    response::{
        execution_events::event_to_json,
        websocket::{Handshake, Upgrade, WebSocket},
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
    io,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

/// Interval of pings in an idle connection, so that no proxy closes it.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Time for the caller to close the connection after the end of the execution.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the terminal of an execution. Binary messages are its input and its output. A text message of the caller
/// is a `TerminalSize`; those of the sidecar are `SessionEvent`s other than output. The execution continues when the
/// caller disconnects, and any number of callers may be connected.
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

/// Passes input and output on until the caller disconnects, or until the execution has ended and its output is sent.
async fn serve(state: &AppState, socket: WebSocket, execution: SessionExecution, from: u64) -> Sent {
    let (sink, stream) = socket.split();
    let mut receiving = pin!(receive_input(state, stream, &execution));
    tokio::select! {
        sent = send_output(state, sink, &execution, execution.output(from)) => {
            sent?;
            // A connection that closes with input unread may lose output that is on the way.
            timeout(CLOSE_TIMEOUT, receiving).await.unwrap_or(Ok(()))
        }
        received = receiving.as_mut() => received,
    }
}

/// Whether the connection is still there.
type Sent = Result<(), tungstenite::Error>;

async fn send_output(
    state: &AppState,
    mut sink: SplitSink<WebSocket, Message>,
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

async fn receive_input(
    state: &AppState,
    mut stream: SplitStream<WebSocket>,
    execution: &SessionExecution,
) -> Sent {
    while let Some(message) = stream.next().await {
        let written = match message? {
            Message::Binary(bytes) => {
                state.metrics.sessions.received(bytes.len());
                execution.write_stdin(bytes.into()).await
            }
            Message::Text(size) => {
                let size: session::TerminalSize = serde_json::from_str(&size).map_err(io::Error::other)?;
                execution.resize(TerminalSize { columns: size.columns, rows: size.rows }).await
            }
            Message::Close(_) => return Ok(()),
            _ => Ok(()),
        };
        if let Err(error) = written {
            // It may have ended, while its output is still being sent.
            tracing::debug!(%error, "input of a terminal was not written");
        }
    }
    Ok(())
}
