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
use sha2::{Digest, Sha256};
use std::{io, sync::Arc};

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
    cluster: &Cluster,
    pod: &str,
    secret: &str,
) -> Result<ContainerStreams, RequestError> {
    let parameters = parameters(BUFFER_SIZE);
    let executed = cluster.pods.exec(pod, relay_command(secret), &parameters);
    // A process without its streams is one whose connection has ended.
    ContainerStreams::new(with_timeout(executed).await?).map_err(|_| RequestError::TimedOut)
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
            match start(&self.cluster, &self.pod, &self.secret).await {
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
