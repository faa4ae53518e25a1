//! A transport over two streams with one message per line. Each message is read within its limit before the
//! library parses it.

use super::{
    call_context::{Call, CallContext},
    message::{Incoming, Malformed},
    tool_call::ToolCall,
};
use crate::request::body;
use cofferdam_types::Error;
use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ErrorCode, GetExtensions, ServerJsonRpcMessage},
    transport::Transport,
};
use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Responses that wait to be written.
const MAX_QUEUED_RESPONSES: usize = 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The server's end of the connection to one client.
pub(super) struct LineTransport {
    incoming: Receiver<ClientJsonRpcMessage>,
    outgoing: Option<Sender<Vec<u8>>>,
    reader: AbortOnDropHandle<()>,
}

impl LineTransport {
    /// Reads lines of at most `max_length` bytes, and sets `disconnected` at the end of the input. The
    /// returned task writes the responses. It ends when the transport is closed or dropped and all responses
    /// are written.
    pub(super) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
        max_length: u64,
        disconnected: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let ((messages, incoming), (outgoing, responses)) = (channel(1), channel(MAX_QUEUED_RESPONSES));
        let writer = tokio::spawn(write(output, responses));
        let (responses, input) = (outgoing.clone(), BufReader::new(input));
        let reader = tokio::spawn(async move {
            let reader =
                LineReader { input, max_length, messages, responses, disconnected: disconnected.clone() };
            if let Err(error) = reader.read_all().await {
                tracing::info!(%error, "standard input cannot be read");
            }
            disconnected.cancel();
        });
        (Self { incoming, outgoing: Some(outgoing), reader: AbortOnDropHandle::new(reader) }, writer)
    }
}

impl Transport<RoleServer> for LineTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        async move {
            let line = serde_json::to_vec(&message)?;
            let sent = match outgoing {
                Some(outgoing) => outgoing.send(line).await.is_ok(),
                None => false,
            };
            if sent { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.incoming.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.outgoing = None;
        self.reader.abort();
        Ok(())
    }
}

async fn write(mut output: impl AsyncWrite + Unpin, mut lines: Receiver<Vec<u8>>) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}

struct LineReader<R> {
    input: BufReader<R>,
    max_length: u64,
    messages: Sender<ClientJsonRpcMessage>,
    responses: Sender<Vec<u8>>,
    disconnected: CancellationToken,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    async fn read_all(mut self) -> io::Result<()> {
        while let Some(line) = self.read_line().await? {
            let is_connected = match self.parse(line).await {
                Ok(None) => true,
                Ok(Some((message, call))) => self.deliver(message, call).await,
                Err(malformed) => match malformed.response() {
                    Some(response) => self.responses.send(response).await.is_ok(),
                    None => true,
                },
            };
            if !is_connected {
                break;
            }
        }
        Ok(())
    }

    /// Parses a line; a long line on a blocking thread.
    async fn parse(&mut self, line: Line) -> Result<Option<ParsedMessage>, Malformed> {
        match line {
            Line::Complete(line) => {
                body::offload(line.len(), move || parse(&line)).await.unwrap_or_else(|_| Ok(None))
            }
            Line::TooLong => {
                let max = self.max_length;
                let text = format!("the message is longer than {max} bytes (serve.body_limit)");
                Err(Malformed::new(ErrorCode::INVALID_REQUEST, text))
            }
        }
    }

    /// Passes a message on to the library. Returns whether the library still receives messages.
    async fn deliver(
        &mut self,
        mut message: ClientJsonRpcMessage,
        read: Option<Result<ToolCall, Error>>,
    ) -> bool {
        if let ClientJsonRpcMessage::Request(call) = &mut message {
            let context = CallContext::new(self.disconnected.clone(), Call { permit: None, call: read });
            call.request.extensions_mut().insert(context);
        }
        self.messages.send(message).await.is_ok()
    }

    /// Reads the next line; `None` at the end of the input. An incomplete line at the end is ignored.
    async fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let max_with_newline = self.max_length.saturating_add(1);
        (&mut self.input).take(max_with_newline).read_until(b'\n', &mut line).await?;
        if line.pop() == Some(b'\n') {
            return Ok(Some(Line::Complete(line)));
        }
        if (line.len() as u64) < self.max_length {
            return Ok(None);
        }
        drop(line);
        self.skip_line().await?;
        Ok(Some(Line::TooLong))
    }

    async fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.input.fill_buf().await?;
            let newline = buffered.iter().position(|byte| *byte == b'\n');
            let consumed = newline.map_or(buffered.len(), |newline| newline + 1);
            let is_end = newline.is_some() || buffered.is_empty();
            self.input.consume(consumed);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// A line of the input.
enum Line {
    Complete(Vec<u8>),
    /// It was longer than the limit, and was skipped.
    TooLong,
}

/// A message, and what it calls.
type ParsedMessage = (ClientJsonRpcMessage, Option<Result<ToolCall, Error>>);

/// Parses a line; `None` if it is blank.
fn parse(line: &[u8]) -> Result<Option<ParsedMessage>, Malformed> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let incoming = Incoming::read(line)?;
    Ok(Some((incoming.parse()?, incoming.call)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tokio::io::{DuplexStream, duplex};

    fn transport(
        max_length: u64,
    ) -> (LineTransport, DuplexStream, BufReader<DuplexStream>, CancellationToken, JoinHandle<()>) {
        let ((to, input), (output, from)) = (duplex(1 << 10), duplex(1 << 10));
        let disconnected = CancellationToken::new();
        let (transport, writer) = LineTransport::new(input, output, max_length, disconnected.clone());
        (transport, to, BufReader::new(from), disconnected, writer)
    }

    async fn response(from: &mut BufReader<DuplexStream>) -> Value {
        let mut line = String::new();
        from.read_line(&mut line).await.expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    #[tokio::test]
    async fn a_malformed_message_has_a_response_and_the_next_message_is_read() {
        let (mut transport, mut to, mut from, disconnected, _) = transport(128);
        let long = format!("\"{}\"", "x".repeat(5000));
        for (line, code, id) in [
            ("nonsense", -32700, json!(null)),
            ("{", -32700, json!(null)),
            ("[]", -32600, json!(null)),
            (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, -32600, json!(5)),
            (r#"{"id":"a"}"#, -32600, json!("a")),
            (&*long, -32600, json!(null)),
            (
                r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"x","arguments":"{}"}}"#,
                -32602,
                json!(6),
            ),
        ] {
            to.write_all(format!("\n{line}\r\n").as_bytes()).await.expect("a reader");
            let response = response(&mut from).await;
            assert_eq!(
                (&response["error"]["code"], &response["id"]),
                (&json!(code), &id),
                "{line:.100}: {response}"
            );
        }
        // A notification has no response.
        to.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"arguments\":[1]}}\n")
            .await
            .expect("a reader");
        to.write_all(
            b"{\"method\":\"$/x\"}\n\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n",
        )
        .await
        .expect("a reader");
        let message = transport.receive().await.expect("a message");
        assert_eq!(message.into_request().map(|(_, id)| json!(id)), Some(json!(1)));
        assert!(!disconnected.is_cancelled());
        drop(to);
        disconnected.cancelled().await;
        assert!(transport.receive().await.is_none() && transport.close().await.is_ok());
    }

    #[tokio::test]
    async fn messages_sent_before_the_end_are_written() {
        let (mut transport, _to, mut from, _, writer) = transport(128);
        let error = rmcp::ErrorData::internal_error("x".repeat(500), None);
        transport.send(ServerJsonRpcMessage::error(error, None)).await.expect("a writer");
        transport.close().await.expect("an end");
        writer.await.expect("an end");
        assert_eq!(response(&mut from).await["error"]["code"], -32603);
        assert!(
            transport
                .send(ServerJsonRpcMessage::error(rmcp::ErrorData::internal_error("", None), None))
                .await
                .is_err()
        );
    }
}
