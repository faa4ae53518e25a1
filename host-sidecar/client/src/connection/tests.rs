use super::*;
use cofferdam_core::{InputSender, inputs::InputPart};
use cofferdam_types::{Error, ErrorCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};

/// Sends a request with files to a server that answers, in two pieces, without having read the files.
async fn post(
    inputs: Inputs,
    head: oneshot::Receiver<()>,
    rest: oneshot::Receiver<()>,
) -> Result<Response, ClientError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address =
        format!("http://{}", listener.local_addr().expect("an address")).parse().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for (wanted, text) in
            [(head, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 7\r\n\r\n"), (rest, "refused")]
        {
            if wanted.await.is_err() || stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
        // An early end of the connection could reset it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let body = RequestBody { json: b"{}".to_vec(), inputs: Some(inputs) };
    send(&address, None, Method::POST, "", "*/*", body).await
}

/// Has the files fail, and waits until the body has taken that.
async fn fail(sender: &InputSender) {
    let error = Error::new(ErrorCode::InvalidRequest, "no such file");
    // There is room for the last one only if the first one was taken.
    for part in [Err(error), Ok(InputPart::End), Ok(InputPart::End)] {
        sender.send(part).await;
    }
}

#[tokio::test]
async fn a_refusal_is_read_to_its_end_although_a_file_fails_meanwhile() {
    let (sender, inputs) = Inputs::channel();
    let ((send_head, head), (send_rest, rest)) = (oneshot::channel(), oneshot::channel());
    send_head.send(()).expect("a server");
    let response = post(inputs, head, rest).await.expect("a response");
    fail(&sender).await;
    // The server may have seen that the connection is closed.
    let _ = send_rest.send(());
    assert_eq!(response.read(100).await.expect("a body"), b"refused");
}

#[tokio::test]
async fn a_file_that_fails_ends_a_request_without_response() {
    let (sender, inputs) = Inputs::channel();
    let ((_send_head, head), (_send_rest, rest)) = (oneshot::channel(), oneshot::channel());
    let (response, ()) = tokio::join!(post(inputs, head, rest), fail(&sender));
    assert!(matches!(response, Err(ClientError::Files(error)) if error.message == "no such file"));
}
