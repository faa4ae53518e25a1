//! Messages as lines of two streams, each read within its bound before the library has it.

use super::{
    handler::Message,
    message::{Call, Incoming, Malformed},
};
use crate::body;
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

/// Answers that wait to be written.
const ANSWERS: usize = 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One client at the other end of two streams.
pub(super) struct Lines {
    incoming: Receiver<ClientJsonRpcMessage>,
    outgoing: Option<Sender<Vec<u8>>>,
    reader: AbortOnDropHandle<()>,
}

impl Lines {
    /// Reads lines of at most `most` bytes, and sets `gone` at their end. What writes the answers ends when this is closed or
    /// dropped and all of them are written.
    pub(super) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
        most: u64,
        gone: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let ((messages, incoming), (outgoing, answers)) = (channel(1), channel(ANSWERS));
        let writer = tokio::spawn(write(output, answers));
        let (answers, input) = (outgoing.clone(), BufReader::new(input));
        let reader = tokio::spawn(async move {
            let read = Reader { input, most, messages, answers, gone: gone.clone() };
            if let Err(error) = read.all().await {
                tracing::info!(%error, "standard input cannot be read");
            }
            gone.cancel();
        });
        (Self { incoming, outgoing: Some(outgoing), reader: AbortOnDropHandle::new(reader) }, writer)
    }
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
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

struct Reader<R> {
    input: BufReader<R>,
    most: u64,
    messages: Sender<ClientJsonRpcMessage>,
    answers: Sender<Vec<u8>>,
    gone: CancellationToken,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    async fn all(mut self) -> io::Result<()> {
        while let Some(line) = self.line().await? {
            let size = line.as_ref().map_or(0, Vec::len);
            let understood = match line {
                Some(line) => body::understand(size, move || understand(&line)).await.unwrap_or_else(|_| Ok(None)),
                None => Err(too_long(self.most)),
            };
            let is_heard = match understood {
                Ok(None) => true,
                Ok(Some((mut message, call))) => {
                    if let ClientJsonRpcMessage::Request(request) = &mut message {
                        request.request.extensions_mut().insert(Message::new(self.gone.clone(), None, call));
                    }
                    self.messages.send(message).await.is_ok()
                }
                Err(malformed) => match malformed.answer() {
                    Some(answer) => self.answers.send(answer).await.is_ok(),
                    None => true,
                },
            };
            if !is_heard {
                break;
            }
        }
        Ok(())
    }

    /// The next line, or that it was too long; none at the end, where a line without an end is none.
    async fn line(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let mut line = Vec::new();
        let most = self.most.saturating_add(1);
        (&mut self.input).take(most).read_until(b'\n', &mut line).await?;
        if line.pop() == Some(b'\n') {
            return Ok(Some(Some(line)));
        }
        if (line.len() as u64) < self.most {
            return Ok(None);
        }
        drop(line);
        loop {
            let buffered = self.input.fill_buf().await?;
            let end = buffered.iter().position(|byte| *byte == b'\n');
            let passed = end.map_or(buffered.len(), |end| end + 1);
            let is_over = end.is_some() || buffered.is_empty();
            self.input.consume(passed);
            if is_over {
                return Ok(Some(None));
            }
        }
    }
}

type Understood = Option<(ClientJsonRpcMessage, Option<Call>)>;

/// A message; none where there is nothing to be said to a line.
fn understand(line: &[u8]) -> Result<Understood, Malformed> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let incoming = Incoming::read(line)?;
    Ok(Some((incoming.message()?, incoming.call)))
}

fn too_long(most: u64) -> Malformed {
    let text = format!("the message has more than {most} bytes, the most that this server takes (serve.body_limit)");
    Malformed::new(ErrorCode::INVALID_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tokio::io::{DuplexStream, duplex};

    fn lines(most: u64) -> (Lines, DuplexStream, BufReader<DuplexStream>, CancellationToken, JoinHandle<()>) {
        let ((to, input), (output, from)) = (duplex(1 << 10), duplex(1 << 10));
        let gone = CancellationToken::new();
        let (lines, writer) = Lines::new(input, output, most, gone.clone());
        (lines, to, BufReader::new(from), gone, writer)
    }

    async fn answer(from: &mut BufReader<DuplexStream>) -> Value {
        let mut line = String::new();
        from.read_line(&mut line).await.expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    #[tokio::test]
    async fn what_is_no_message_is_answered_and_the_next_one_is_read() {
        let (mut lines, mut to, mut from, gone, _) = lines(128);
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
            let answer = answer(&mut from).await;
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{line:.100}: {answer}");
        }
        // What is no request is not answered.
        to.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"arguments\":[1]}}\n")
            .await
            .expect("a reader");
        to.write_all(b"{\"method\":\"$/x\"}\n\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n")
            .await
            .expect("a reader");
        let message = lines.receive().await.expect("a message");
        assert_eq!(message.into_request().map(|(_, id)| json!(id)), Some(json!(1)));
        assert!(!gone.is_cancelled());
        drop(to);
        gone.cancelled().await;
        assert!(lines.receive().await.is_none() && lines.close().await.is_ok());
    }

    #[tokio::test]
    async fn what_is_sent_before_the_end_is_written() {
        let (mut lines, _to, mut from, _, writer) = lines(128);
        let error = rmcp::ErrorData::internal_error("x".repeat(500), None);
        lines.send(ServerJsonRpcMessage::error(error, None)).await.expect("a writer");
        lines.close().await.expect("an end");
        writer.await.expect("an end");
        assert_eq!(answer(&mut from).await["error"]["code"], -32603);
        assert!(
            lines.send(ServerJsonRpcMessage::error(rmcp::ErrorData::internal_error("", None), None)).await.is_err()
        );
    }
}
