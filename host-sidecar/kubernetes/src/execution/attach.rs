//! A connection to the stdin and stdout of a container. The kubelet attaches to a container as soon as it
//! exists, while it has a log only after its next look at the container.

use super::container_streams::{ContainerStreams, parameters};
use crate::api::{REQUEST_TIMEOUT, RequestError, with_deadline};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, SimplexStream, WriteHalf},
    time::Instant,
};

/// Time limit where the log can be read instead.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of input, and of output, that the client buffers.
const BUFFER_SIZE: usize = 128 << 10;
/// Tells the runner to send its whole output again.
const REPLAY: &[u8] = b"\n";

/// A connection to a container. It is closed when this is dropped.
#[derive(Debug)]
pub(super) struct Attachment(ContainerStreams);

impl Attachment {
    /// Attaches. Reads give what the container writes from now on.
    ///
    /// # Errors
    ///
    /// The request failed, or the container has terminated.
    pub(super) async fn new(pods: &Api<Pod>, name: &str) -> Result<Self, AttachError> {
        Self::within(REQUEST_TIMEOUT, pods, name).await
    }

    async fn within(timeout: Duration, pods: &Api<Pod>, name: &str) -> Result<Self, AttachError> {
        let parameters = parameters(BUFFER_SIZE);
        let attached = pods.attach(name, &parameters);
        let process = with_deadline(Instant::now() + timeout, attached).await?;
        Ok(Self(ContainerStreams::new(process)?))
    }

    /// Attaches to a container whose runner has its program, and has the runner send its whole output again.
    ///
    /// # Errors
    ///
    /// See [`Attachment::new`].
    pub(super) async fn with_replay(pods: &Api<Pod>, name: &str) -> Result<Self, AttachError> {
        let mut attachment = Self::within(ATTACH_TIMEOUT, pods, name).await?;
        attachment.write(REPLAY).await?;
        Ok(attachment)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.input.write_all(bytes).await?;
        self.0.input.flush().await
    }

    pub(super) fn stdin(&mut self) -> &mut WriteHalf<SimplexStream> {
        &mut self.0.input
    }

    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.output.read(buffer).await
    }
}

/// Why there is no connection to a container.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttachError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the connection was closed: {0}")]
    Closed(#[from] io::Error),
}
