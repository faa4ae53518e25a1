//! Joining the output of a container that runs: the kubelet does that as soon as the container is there, while it gives a
//! log only of one that it has looked at since.

use super::{
    cluster::{RequestError, bounded_until},
    manifest::CONTAINER,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{AttachParams, AttachedProcess},
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, SimplexStream, WriteHalf},
    time::Instant,
};

/// How long it may take; the log will do.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are held for us.
const BUFFER: usize = 128 << 10;
/// Asks the runner for all that it has written so far.
const FROM_THE_BEGINNING: &[u8] = b"\n";

/// What a container writes from now on, after which it says all that it has written before.
pub(super) struct Joined {
    output: ReadHalf<SimplexStream>,
    /// The connection ends with these.
    _open: (WriteHalf<SimplexStream>, AttachedProcess),
}

impl Joined {
    /// Joins.
    ///
    /// # Errors
    ///
    /// What the cluster has against it, or a container that has ended.
    pub(super) async fn new(pods: &Api<Pod>, name: &str) -> Result<Self, JoinError> {
        let params = AttachParams {
            container: Some(CONTAINER.into()),
            stdin: true,
            stdout: true,
            stderr: false,
            tty: false,
            max_stdout_buf_size: Some(BUFFER),
            ..AttachParams::default()
        };
        let mut process = bounded_until(Instant::now() + PATIENCE, pods.attach(name, &params)).await?;
        let (Some(mut stdin), Some(output)) = (process.stdin(), process.stdout()) else {
            return Err(JoinError::Closed(io::ErrorKind::NotConnected.into()));
        };
        stdin.write_all(FROM_THE_BEGINNING).await?;
        stdin.flush().await?;
        Ok(Self { output, _open: (stdin, process) })
    }

    /// The next bytes.
    pub(super) async fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        self.output.read(chunk).await
    }
}

/// Why a container's output cannot be joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    /// The cluster's word.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The connection is at its end already.
    #[error("the connection broke off: {0}")]
    Closed(#[from] io::Error),
}
