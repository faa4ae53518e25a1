//! The stdin and stdout of a process in a container, over one connection to the cluster.

use kube::api::{AttachParams, AttachedProcess};
use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf, ReadHalf, SimplexStream, WriteHalf};

/// Both streams.
pub(super) struct ContainerStreams {
    pub(super) output: ContainerOutput,
    pub(super) input: WriteHalf<SimplexStream>,
}

/// What the process writes. The connection is closed when this is dropped.
pub(super) struct ContainerOutput {
    output: ReadHalf<SimplexStream>,
    /// The end of the connection. kube leaves the output of a connection that breaks open.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    _process: AttachedProcess,
}

/// Asks for both streams. The client buffers this many bytes of each.
pub(super) fn parameters(buffer_size: usize) -> AttachParams {
    AttachParams {
        container: Some(crate::manifest::CONTAINER.into()),
        stdin: true,
        stdout: true,
        stderr: false,
        tty: false,
        max_stdin_buf_size: Some(buffer_size),
        max_stdout_buf_size: Some(buffer_size),
        ..AttachParams::default()
    }
}

impl ContainerStreams {
    /// The streams of a process that was attached to, or executed, with [`parameters`].
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] if a stream is missing.
    pub(super) fn new(mut process: AttachedProcess) -> io::Result<Self> {
        match (process.stdout(), process.stdin(), process.take_status()) {
            (Some(output), Some(input), Some(status)) => {
                let end = Box::pin(async { drop(status.await) });
                let output = ContainerOutput { output, end: Some(end), _process: process };
                Ok(Self { output, input })
            }
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl fmt::Debug for ContainerStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerStreams").finish_non_exhaustive()
    }
}

impl AsyncRead for ContainerOutput {
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
        Poll::Ready(Ok(()))
    }
}
