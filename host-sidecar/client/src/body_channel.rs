//! The body of a request that somebody else supplies piece by piece.

use super::multipart::Progress;
use cofferdam_types::Error;
use hyper::body::{Body, Bytes, Frame};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::{mpsc, watch};

/// Pieces that wait to be sent.
const WAITING: usize = 2;

/// Where the pieces of a body are sent to. The body ends when this is dropped; after an error it has no end.
pub type BodySender = mpsc::Sender<Result<Bytes, Error>>;

/// The body of a request, whose pieces come from a [`BodySender`].
#[derive(Debug)]
pub struct BodyChannel {
    pieces: mpsc::Receiver<Result<Bytes, Error>>,
    progress: watch::Sender<Progress>,
}

impl BodyChannel {
    /// The two ends.
    #[must_use]
    pub fn new() -> (BodySender, Self) {
        let (sender, pieces) = mpsc::channel(WAITING);
        (sender, Self { pieces, progress: watch::Sender::new(Progress::Sending(0)) })
    }

    /// How far it was sent.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}

impl Body for BodyChannel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self.progress.borrow() {
            Progress::Sending(_) => {}
            Progress::Sent => return Poll::Ready(None),
            Progress::Failed(_) => return Poll::Pending,
        }
        match ready!(self.pieces.poll_recv(cx)) {
            Some(Ok(bytes)) => {
                self.progress.send_modify(|progress| {
                    if let Progress::Sending(pieces) = progress {
                        *pieces += 1;
                    }
                });
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(error)) => {
                // The connection stays open: a response that has begun is read to its end.
                self.progress.send_replace(Progress::Failed(error));
                Poll::Pending
            }
            None => {
                self.progress.send_replace(Progress::Sent);
                Poll::Ready(None)
            }
        }
    }
}
