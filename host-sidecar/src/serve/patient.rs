//! How long a connection waits for its other side.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long a caller may go on sending what nobody wants to read.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long it may be silent meanwhile.
const SILENCE: Duration = Duration::from_secs(1);
const CHUNK: usize = 16 << 10;

/// A stream that gives up a caller who does not read, and that hears the other side out when it has said its own last word:
/// a kernel that closes a socket with bytes unread resets it, and a caller who is still sending a body that was refused would
/// never read why.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    /// How long nothing of what is written may be taken.
    stall: Duration,
    /// Set while nothing of what is written is taken.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set once our side is closed: when the caller has been silent for too long, and the end of all patience.
    farewell: Option<(Pin<Box<Sleep>>, Instant)>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, stall: Duration) -> Self {
        Self { stream, stall, stalled: None, farewell: None }
    }

    /// A write, as long as it may take.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.stall)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let begin = || (Box::pin(sleep(SILENCE)), Instant::now() + FAREWELL);
        let (silence, end) = this.farewell.get_or_insert_with(begin);
        let mut chunk = [0; CHUNK];
        while silence.as_mut().poll(cx).is_pending() {
            let mut unwanted = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut unwanted)) {
                Ok(()) if !unwanted.filled().is_empty() => {
                    silence.as_mut().reset((Instant::now() + SILENCE).min(*end));
                }
                // The other side is done too, one way or the other.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn what_is_still_being_sent_is_heard_out() {
        let (mut caller, stream) = duplex(8);
        let mut stream = Patient::new(stream, Duration::from_secs(60));
        stream.write_all(b"no").await.expect("an answer");
        let mut closing = Box::pin(async move { stream.shutdown().await });
        assert!((&mut closing).now_or_never().is_none());
        let sending = async {
            caller.write_all(&[0; 100]).await.expect("nobody resets");
            let mut answer = String::new();
            caller.read_to_string(&mut answer).await.expect("an answer");
            drop(caller);
            answer
        };
        let (answer, closed) = tokio::join!(sending, closing);
        assert_eq!(answer, "no");
        assert!(closed.is_ok());
    }

    #[tokio::test]
    async fn a_caller_who_reads_nothing_is_given_up() {
        let (_caller, stream) = duplex(8);
        let mut stream = Patient::new(stream, Duration::from_millis(1));
        let error = stream.write_all(&[0; 100]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
