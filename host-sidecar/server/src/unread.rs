//! What nobody wanted to read of a request.

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{runtime::Handle, time::timeout};

/// How long a caller may go on sending what was refused, and how long be silent meanwhile.
const FAREWELL: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(1);
/// Bytes that are thrown away for one request.
const MOST: usize = 256 << 20;

/// A request's body, of which the rest is thrown away when it is dropped, within bounds: the connection goes on meanwhile.
/// Of one that ends while a caller is still sending, many callers never hear the answer.
#[derive(Debug)]
pub(super) struct HeardOut<B: Body<Data = Bytes> + Send + Unpin + 'static>(Option<B>);

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> HeardOut<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for HeardOut<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for HeardOut<B> {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // At the end of the process there is nothing to be run on any more.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(FAREWELL, throw_away(rest)));
        }
    }
}

async fn throw_away(mut body: impl Body<Data = Bytes> + Unpin) {
    let mut room = MOST;
    while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = room.checked_sub(size) else { return };
        room = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc::{Sender, channel};

    /// A body without an end whose frames are counted by what comes through the channel.
    fn endless(size: usize, sent: Sender<()>) -> impl Body<Data = Bytes, Error = std::io::Error> + Send + Unpin {
        let chunk = Bytes::from(vec![0; size]);
        let chunks = stream::repeat_with(move || {
            let _ = sent.try_send(());
            Ok(Frame::data(chunk.clone()))
        });
        StreamBody::new(chunks)
    }

    #[tokio::test]
    async fn the_rest_is_read_up_to_a_bound() {
        let (sender, mut sent) = channel(64);
        drop(HeardOut::new(endless(MOST / 4, sender)));
        let mut chunks = 0;
        while sent.recv().await.is_some() {
            chunks += 1;
        }
        assert_eq!(chunks, 5);
    }
}
