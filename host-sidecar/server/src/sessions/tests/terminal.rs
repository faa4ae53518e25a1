//! Terminals whose caller sends what is no input.

use super::*;
use cofferdam_http_api::session::TerminalSize;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, frame::coding::CloseCode},
    },
};

/// Connects to the terminal of `ada` at this path.
async fn connect(sidecar: &Sidecar, path: &str) -> WebSocketStream<TcpStream> {
    let host = sidecar.address.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer token-of-ada-0123456789\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

#[tokio::test]
async fn a_message_that_is_no_input_closes_the_connection_with_the_reason() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let terminal = Some(TerminalSize { columns: 80, rows: 24 });
    let request = ExecutionRequest { id: Some("t".into()), terminal, background: true, ..program(&["cat"]) };
    client.start_in_session(&id, &request).await.expect("started");
    let path = format!("/v1/sessions/{id}/executions/t/terminal");
    for (message, code, reason) in [
        (Message::text("ls\n"), CloseCode::Invalid, "expected value at line 1"),
        (Message::text(r#"{"columns":80}"#), CloseCode::Invalid, "missing field `rows`"),
        (Message::text(r#"{"columns":0,"rows":24}"#), CloseCode::Invalid, "no columns or no rows"),
        (
            Message::text(format!(r#"{{"é{}":1}}"#, "é".repeat(200))),
            CloseCode::Invalid,
            "send input as binary",
        ),
        (Message::binary(vec![0; (1 << 20) + 1]), CloseCode::Size, "more than 1048576 bytes"),
    ] {
        let mut socket = connect(&sidecar, &path).await;
        // A caller that is refused early cannot send all of it.
        let _ = socket.send(message.clone()).await;
        let close = loop {
            if let Message::Close(frame) = socket.next().await.expect("a message").expect("a connection") {
                break frame.expect("a reason");
            }
        };
        assert_eq!(close.code, code, "{message}");
        assert!(close.reason.contains(reason) && close.reason.len() <= 123, "{}", close.reason);
        let state = sidecar.raw("GET", &format!("/v1/sessions/{id}/executions/t"), &[], "").await;
        assert!(state.status == 200 && !state.body.contains(r#""end""#), "it runs on: {}", state.body);
    }
}
