//! How long a connection waits for its other side.

use super::connection_table::Activity;
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

/// How long a caller may go on sending what nobody wants to read.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long it may be silent meanwhile.
const SILENCE: Duration = Duration::from_secs(1);
const CHUNK: usize = 16 << 10;
/// Bytes that a caller has to read for each second that it keeps an answer waiting.
const LEAST_RATE: f64 = 16.0 * 1024.0;

/// A stream that gives up a caller who does not read, or too slowly, and that hears the other side out when it has said its own
/// last word: a kernel that closes a socket with bytes unread resets it, and a caller who is still sending a body that was
/// refused would never read why.
///
/// The time in which a caller keeps an answer waiting is counted, not that in which there is nothing to be written: a stream of
/// events may go on for as long as they are read.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    activity: Arc<Activity>,
    credit: Credit,
    /// Set while nothing of what is written is taken: since when, and until when it may be so.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Set once our side is closed: when the caller has been silent for too long, and the end of all patience.
    farewell: Option<(Pin<Box<Sleep>>, Instant)>,
}

/// How long a caller may keep an answer waiting.
#[derive(Debug, Clone, Copy)]
struct Credit {
    most: Duration,
    left: Duration,
}

impl Credit {
    fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    #[expect(clippy::cast_precision_loss, reason = "no write has so many bytes")]
    fn took(&mut self, bytes: usize) {
        self.left = (self.left + Duration::from_secs_f64(bytes as f64 / LEAST_RATE)).min(self.most);
    }
}

impl<S> Patient<S> {
    /// A stream whose caller may keep an answer waiting for so long, less what it takes at [`LEAST_RATE`].
    pub(super) fn new(stream: S, most: Duration, activity: Arc<Activity>) -> Self {
        Self { stream, activity, credit: Credit { most, left: most }, stalled: None, farewell: None }
    }

    /// A write, as long as it may take.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.activity.is_writing.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            if let Some((since, _)) = self.stalled.take() {
                self.credit.waited(since.elapsed());
            }
            return written;
        }
        let left = self.credit.left;
        let (_, end) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        end.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// A write of bytes, which earn their caller time.
    fn bounded_write(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let written = self.bounded(cx, written);
        if let Poll::Ready(Ok(bytes)) = &written {
            self.credit.took(*bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.activity.is_waiting.store(read.is_pending(), Ordering::Relaxed);
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.bounded_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.bounded_write(cx, written)
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
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::timeout,
    };

    /// A stream that waits for so long, with the other end of it.
    fn patient(most: Duration) -> (DuplexStream, Patient<DuplexStream>) {
        let (caller, stream) = duplex(8);
        (caller, Patient::new(stream, most, Arc::default()))
    }

    #[tokio::test]
    async fn what_is_still_being_sent_is_heard_out() {
        let (mut caller, mut stream) = patient(Duration::from_secs(60));
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
        let (_caller, mut stream) = patient(Duration::from_millis(1));
        let error = stream.write_all(&[0; 100]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(stream.activity.is_writing.load(Ordering::Relaxed));
    }

    /// Each byte is read in time, and all of them would take for ever.
    #[tokio::test]
    async fn a_caller_who_reads_too_slowly_is_given_up_though_it_never_stops() {
        let (mut caller, mut stream) = patient(Duration::from_millis(100));
        let reading = tokio::spawn(async move {
            while caller.read_u8().await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let written = timeout(Duration::from_secs(60), stream.write_all(&[0; 1 << 20])).await;
        reading.abort();
        let error = written.expect("it is not waited for for ever").expect_err("it is given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_caller_who_reads_at_the_least_rate_has_all_the_time_that_it_needs() {
        let minute = Duration::from_secs(60);
        let is_given_up = |rate: usize, seconds: u64| {
            let mut credit = Credit { most: minute, left: minute };
            (0..seconds).any(|_| {
                credit.waited(Duration::from_secs(1));
                let is_over = credit.left.is_zero();
                credit.took(rate);
                is_over
            })
        };
        assert!(!is_given_up(16 << 10, 10_000));
        assert!(!is_given_up(15 << 10, 900) && is_given_up(15 << 10, 960));
        assert!(is_given_up(1 << 10, 64));
    }
}
