//! The way to the runner of a session: a relay that the cluster executes in its container. What goes over it does not
//! land in the container's log, which what is attached to does.

use crate::{
    api::{RequestError, with_timeout},
    connection::Cluster,
    execution::container_streams::{ContainerStreams, parameters},
    manifest::relay_command,
    watch::pod_status,
};
use cofferdam_core::{
    BoxFuture,
    session::{Connected, Connector},
};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use sha2::{Digest, Sha256};
use std::{io, sync::Arc};
use tokio::io::AsyncWriteExt;

/// Bytes of input, and of output, that the client buffers.
const BUFFER_SIZE: usize = 256 << 10;

/// The relays to one runner, one after another.
pub(in crate::execution) struct Relay {
    pub(in crate::execution) cluster: Arc<Cluster>,
    pub(in crate::execution) id: String,
    pub(in crate::execution) pod: String,
    pub(in crate::execution) secret: String,
    /// The first one.
    pub(in crate::execution) first: Option<ContainerStreams>,
}

/// A secret of 128 random bits, in hexadecimal digits.
pub(in crate::execution) fn new_secret() -> String {
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let digest = Sha256::digest(random.map(uuid::Uuid::into_bytes).concat());
    format!("{digest:x}").chars().take(32).collect()
}

/// Starts a relay, which ends when its output is dropped.
pub(in crate::execution) async fn start(
    pods: &Api<Pod>,
    pod: &str,
    secret: &str,
) -> Result<ContainerStreams, RequestError> {
    let parameters = parameters(BUFFER_SIZE);
    let executed = pods.exec(pod, relay_command(), &parameters);
    // A process without its streams is one whose connection has ended.
    let mut streams =
        ContainerStreams::new(with_timeout(executed).await?).map_err(|_| RequestError::TimedOut)?;
    // Not an argument of the relay: the address of the request may be logged.
    let sent = streams.input.write_all(secret.as_bytes()).await;
    sent.map_err(|error| kube::Error::Service(error.into()))?;
    Ok(streams)
}

impl Connector for Relay {
    fn connect(&mut self) -> BoxFuture<'_, Connected> {
        Box::pin(async {
            if let Some(streams) = self.first.take() {
                return connected(streams);
            }
            match has_ended(&self.cluster, &self.id).await {
                Ok(true) => return Connected::Gone,
                Ok(false) => {}
                Err(error) => return Connected::Failed(io::Error::other(error)),
            }
            match start(&self.cluster.pods, &self.pod, &self.secret).await {
                Ok(streams) => connected(streams),
                Err(error) => Connected::Failed(io::Error::other(error)),
            }
        })
    }
}

fn connected(ContainerStreams { output, input }: ContainerStreams) -> Connected {
    Connected::Streams(Box::new(output), Box::new(input))
}

/// Whether the Pod of an execution has ended, so that no relay can be started in it.
async fn has_ended(cluster: &Cluster, id: &str) -> Result<bool, RequestError> {
    let pod = cluster.get_pod(id).await?;
    Ok(pod.is_none_or(|pod| pod_status::has_ended(&pod)))
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
