//! A connection that aborts slow readers, and that lingers when it closes.

use super::{linger::Linger, table::Activity};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Bytes that are discarded at once when the connection closes.
const CHUNK: usize = 16 << 10;
/// Bytes that a caller must read for each second for which it delays a response.
const MIN_RATE: f64 = 16.0 * 1024.0;

/// A stream that fails a write with [`io::ErrorKind::TimedOut`] if the caller does not read, or reads too
/// slowly. Only the time for which a write is delayed counts, so a stream of events may last as long as its
/// events are read.
#[derive(Debug)]
pub(super) struct TimeoutStream<S> {
    stream: S,
    activity: Arc<Activity>,
    credit: WriteCredit,
    /// While a write is delayed: since when, and the timer that aborts it.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Set when our side of the connection is closed.
    linger: Option<Linger>,
}

/// Time for which a caller may still delay a response.
#[derive(Debug, Clone, Copy)]
struct WriteCredit {
    max: Duration,
    remaining: Duration,
}

impl WriteCredit {
    fn spend(&mut self, time: Duration) {
        self.remaining = self.remaining.saturating_sub(time);
    }

    #[expect(clippy::cast_precision_loss, reason = "no write has so many bytes")]
    fn earn(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / MIN_RATE);
        self.remaining = (self.remaining + earned).min(self.max);
    }
}

impl<S> TimeoutStream<S> {
    /// A stream whose caller may delay responses for `max`, and longer if it reads at [`MIN_RATE`].
    pub(super) fn new(stream: S, max: Duration, activity: Arc<Activity>) -> Self {
        let credit = WriteCredit { max, remaining: max };
        Self { stream, activity, credit, stalled: None, linger: None }
    }

    /// Fails a pending write when the credit is spent.
    fn limit<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.activity.is_writing.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            if let Some((since, _)) = self.stalled.take() {
                self.credit.spend(since.elapsed());
            }
            return written;
        }
        let remaining = self.credit.remaining;
        let (_, timer) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(remaining))));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// The same; written bytes earn credit.
    fn limit_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let written = self.limit(cx, written);
        if let Poll::Ready(Ok(bytes)) = &written {
            self.credit.earn(*bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.activity.is_waiting.store(read.is_pending(), Ordering::Relaxed);
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.limit_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.limit_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.limit(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, linger, .. } = &mut *self;
        if linger.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let linger = linger.get_or_insert_with(Linger::new);
        linger.poll_discard(cx, |cx| poll_discard_chunk(stream, cx)).map(Ok)
    }
}

/// Reads and discards a chunk. Returns its size, or `None` at the end of the stream or after an error.
fn poll_discard_chunk(stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<Option<usize>> {
    let mut chunk = [0; CHUNK];
    let mut chunk = ReadBuf::new(&mut chunk);
    let read = ready!(Pin::new(stream).poll_read(cx, &mut chunk));
    let size = chunk.filled().len();
    Poll::Ready(read.ok().filter(|()| size > 0).map(|()| size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::timeout,
    };

    /// A stream whose caller may delay responses for `max`, and the caller's end of it.
    fn limited(max: Duration) -> (DuplexStream, TimeoutStream<DuplexStream>) {
        let (caller, stream) = duplex(8);
        (caller, TimeoutStream::new(stream, max, Arc::default()))
    }

    #[tokio::test]
    async fn input_after_the_response_is_discarded() {
        let (mut caller, mut stream) = limited(Duration::from_secs(60));
        stream.write_all(b"no").await.expect("an answer");
        let mut closing = Box::pin(async move { stream.shutdown().await });
        assert!((&mut closing).now_or_never().is_none());
        let sending = async {
            caller.write_all(&[0; 100]).await.expect("no reset");
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
    async fn a_write_to_a_caller_that_does_not_read_fails() {
        let (_caller, mut stream) = limited(Duration::from_millis(1));
        let error = stream.write_all(&[0; 100]).await.expect_err("the caller does not read");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(stream.activity.is_writing.load(Ordering::Relaxed));
    }

    /// The caller reads each byte in time, and would never be done.
    #[tokio::test]
    async fn a_write_to_a_caller_that_reads_too_slowly_fails() {
        let (mut caller, mut stream) = limited(Duration::from_millis(100));
        let reading = tokio::spawn(async move {
            while caller.read_u8().await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let written = timeout(Duration::from_secs(60), stream.write_all(&[0; 1 << 20])).await;
        reading.abort();
        let error = written.expect("the write does not take forever").expect_err("the write fails");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_caller_that_reads_at_the_minimum_rate_is_never_aborted() {
        let minute = Duration::from_secs(60);
        let is_aborted = |rate: usize, seconds: u64| {
            let mut credit = WriteCredit { max: minute, remaining: minute };
            (0..seconds).any(|_| {
                credit.spend(Duration::from_secs(1));
                let is_over = credit.remaining.is_zero();
                credit.earn(rate);
                is_over
            })
        };
        assert!(!is_aborted(16 << 10, 10_000));
        assert!(!is_aborted(15 << 10, 900) && is_aborted(15 << 10, 960));
        assert!(is_aborted(1 << 10, 64));
    }
}
