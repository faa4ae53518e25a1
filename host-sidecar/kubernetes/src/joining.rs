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
use std::{fmt, io, time::Duration};
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
    stdin: WriteHalf<SimplexStream>,
    /// The connection ends with this.
    _connection: AttachedProcess,
}

impl Joined {
    /// Joins a container whose runner has its program.
    ///
    /// # Errors
    ///
    /// What the cluster has against it, or a container that has ended.
    pub(super) async fn with_beginning(pods: &Api<Pod>, name: &str) -> Result<Self, JoinError> {
        let mut joined = Self::new(pods, name).await?;
        joined.write(FROM_THE_BEGINNING).await?;
        Ok(joined)
    }

    /// Joins, and says nothing.
    ///
    /// # Errors
    ///
    /// The same.
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
        let (Some(stdin), Some(output)) = (process.stdin(), process.stdout()) else {
            return Err(JoinError::Closed(io::ErrorKind::NotConnected.into()));
        };
        Ok(Self { output, stdin, _connection: process })
    }

    /// Says something to the runner.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdin.write_all(bytes).await?;
        self.stdin.flush().await
    }

    /// The next bytes.
    pub(super) async fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        self.output.read(chunk).await
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").finish_non_exhaustive()
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
