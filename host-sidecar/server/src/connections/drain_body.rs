//! The body of a request whose unread rest is discarded in the background.

use super::linger::Linger;
use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::runtime::Handle;

/// Discards the rest of a body after a handler has dropped it, so that the connection can be used again. If
/// it ended while the caller is still sending, many callers would not read the response.
#[derive(Debug)]
pub(super) struct DrainOnDrop<B: Body<Data = Bytes> + Send + Unpin + 'static>(Option<B>);

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> DrainOnDrop<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for DrainOnDrop<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
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

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for DrainOnDrop<B> {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // When the process ends, there may be no runtime.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(drain(rest));
        }
    }
}

async fn drain(mut body: impl Body<Data = Bytes> + Unpin) {
    let mut linger = Linger::new();
    poll_fn(|cx| {
        linger.poll_discard(cx, |cx| {
            let frame = ready!(Pin::new(&mut body).poll_frame(cx));
            Poll::Ready(frame.and_then(Result::ok).map(|frame| frame.data_ref().map_or(0, Bytes::len)))
        })
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::{super::linger::MAX_BYTES, *};
    use futures_util::stream;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc::{Sender, channel};

    /// An endless body. It sends one message to the channel for each frame.
    fn endless(
        size: usize,
        sent: Sender<()>,
    ) -> impl Body<Data = Bytes, Error = std::io::Error> + Send + Unpin {
        let chunk = Bytes::from(vec![0; size]);
        let chunks = stream::repeat_with(move || {
            let _ = sent.try_send(());
            Ok(Frame::data(chunk.clone()))
        });
        StreamBody::new(chunks)
    }

    #[tokio::test]
    async fn the_rest_is_discarded_up_to_a_limit() {
        let (sender, mut sent) = channel(64);
        drop(DrainOnDrop::new(endless(MAX_BYTES / 4, sender)));
        let mut chunks = 0;
        while sent.recv().await.is_some() {
            chunks += 1;
        }
        assert_eq!(chunks, 5);
    }
}
