//! The way to the runner of a session: a relay that the cluster executes in its container. What goes over it does not
//! land in the container's log, which what is attached to does.

use crate::{
    api::{RequestError, with_timeout},
    connection::Cluster,
    manifest::{CONTAINER, relay_command},
    watch::pod_status,
};
use cofferdam_core::{
    BoxFuture,
    session::{Connected, Connector},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{AttachParams, AttachedProcess},
};
use sha2::{Digest, Sha256};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf, SimplexStream, WriteHalf};

/// Bytes of input, and of output, that the client buffers.
const BUFFER_SIZE: usize = 256 << 10;

/// The relays to one runner, one after another.
pub(in crate::execution) struct Relay {
    pub(in crate::execution) cluster: Arc<Cluster>,
    pub(in crate::execution) id: String,
    pub(in crate::execution) pod: String,
    pub(in crate::execution) secret: String,
    /// The first one.
    pub(in crate::execution) first: Option<Streams>,
}

/// The streams of one relay.
pub(in crate::execution) type Streams = (RelayOutput, WriteHalf<SimplexStream>);

/// What a relay writes. The relay ends when this is dropped.
pub(in crate::execution) struct RelayOutput {
    output: ReadHalf<SimplexStream>,
    /// The end of the connection. The output does not end with a connection that breaks.
    end: Option<BoxFuture<'static, ()>>,
    _process: AttachedProcess,
}

/// A secret of 128 random bits, in hexadecimal digits.
pub(in crate::execution) fn new_secret() -> String {
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let digest = Sha256::digest(random.map(uuid::Uuid::into_bytes).concat());
    format!("{digest:x}").chars().take(32).collect()
}

/// Starts a relay.
pub(in crate::execution) async fn start(
    pods: &Api<Pod>,
    pod: &str,
    secret: &str,
) -> Result<Streams, RequestError> {
    let params = AttachParams {
        container: Some(CONTAINER.into()),
        stdin: true,
        stdout: true,
        stderr: false,
        tty: false,
        max_stdin_buf_size: Some(BUFFER_SIZE),
        max_stdout_buf_size: Some(BUFFER_SIZE),
        ..AttachParams::default()
    };
    let mut process = with_timeout(pods.exec(pod, relay_command(), &params)).await?;
    match (process.stdout(), process.stdin(), process.take_status()) {
        (Some(output), Some(mut input), Some(status)) => {
            // Not an argument of the relay: the address of the request may be logged.
            let sent = input.write_all(secret.as_bytes()).await;
            sent.map_err(|error| kube::Error::Service(error.into()))?;
            let end: BoxFuture<'static, ()> = Box::pin(async { drop(status.await) });
            Ok((RelayOutput { output, end: Some(end), _process: process }, input))
        }
        // All of them were asked for.
        _ => Err(RequestError::TimedOut),
    }
}

impl Connector for Relay {
    fn connect(&mut self) -> BoxFuture<'_, Connected> {
        Box::pin(async {
            if let Some((output, input)) = self.first.take() {
                return Connected::Streams(Box::new(output), Box::new(input));
            }
            match has_ended(&self.cluster, &self.id).await {
                Ok(true) => return Connected::Gone,
                Ok(false) => {}
                Err(error) => return Connected::Failed(io::Error::other(error)),
            }
            match start(&self.cluster.pods, &self.pod, &self.secret).await {
                Ok((output, input)) => Connected::Streams(Box::new(output), Box::new(input)),
                Err(error) => Connected::Failed(io::Error::other(error)),
            }
        })
    }
}

/// Whether the Pod of an execution has ended, so that no relay can be started in it.
async fn has_ended(cluster: &Cluster, id: &str) -> Result<bool, RequestError> {
    let pod = cluster.get_pod(id).await?;
    Ok(pod.is_none_or(|pod| pod_status::has_ended(&pod)))
}

impl AsyncRead for RelayOutput {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.output).poll_read(context, buffer) {
            return Poll::Ready(read);
        }
        if let Some(end) = &mut self.end {
            ready!(end.as_mut().poll(context));
            self.end = None;
        }
        // What comes after the end is sent again on the next connection.
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::{Client, Config};
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        net::TcpListener,
    };

    #[tokio::test]
    async fn the_address_of_the_request_does_not_have_the_secret() {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = format!("http://{}", server.local_addr().expect("an address"));
        let client = Client::try_from(Config::new(address.parse().expect("an address"))).expect("a client");
        let (pods, secret) = (Api::namespaced(client, "sandboxes"), new_secret());
        let asked = async {
            let (stream, _) = server.accept().await.expect("a connection");
            BufReader::new(stream).lines().next_line().await.expect("a line").expect("a request")
        };
        let (started, asked) = tokio::join!(start(&pods, "run-0", &secret), asked);
        assert!(started.is_err(), "the connection is closed");
        assert!(asked.contains("/pods/run-0/exec?") && asked.contains("command=relay"), "{asked}");
        assert!(!asked.contains(&secret), "{asked}");
    }

    #[test]
    fn secrets_differ_and_have_the_length_that_the_runner_expects() {
        let secrets = [new_secret(), new_secret()];
        assert_ne!(secrets[0], secrets[1]);
        assert!(
            secrets
                .iter()
                .all(|secret| { secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()) })
        );
    }
}
