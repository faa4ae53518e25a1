//! Response bodies that are truncated or changed.

use crate::conformance::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame};
use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A response body.
pub(super) type ResponseBody = UnsyncBoxBody<Bytes, Failure>;
type Polled = Poll<Option<Result<Frame<Bytes>, Failure>>>;

/// What happens after the last byte of a truncated body.
#[derive(Debug, Clone, Copy)]
pub(super) enum BodyEnd {
    /// The connection breaks.
    Break,
    /// The body ends as if it were complete.
    Complete,
    /// The connection stays open and idle.
    Stall,
}

/// The first `remaining` bytes of a body, then its end.
pub(super) fn limited(inner: ResponseBody, remaining: usize, end: BodyEnd) -> ResponseBody {
    Limited { inner, remaining, end }.boxed_unsync()
}

/// The body with each complete line passed through `edit`.
pub(super) fn edited(
    inner: ResponseBody,
    edit: impl FnMut(&str) -> String + Send + Unpin + 'static,
) -> ResponseBody {
    Edited { inner, edit, line: Vec::new() }.boxed_unsync()
}

struct Limited {
    inner: ResponseBody,
    remaining: usize,
    end: BodyEnd,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.remaining == 0 {
            return match self.end {
                BodyEnd::Break => Poll::Ready(Some(Err("broken".into()))),
                BodyEnd::Complete => Poll::Ready(None),
                // The body is dropped when the client closes the connection.
                BodyEnd::Stall => Poll::Pending,
            };
        }
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let remaining = self.remaining;
        polled.map_ok(|frame| {
            frame.map_data(|data| {
                let kept = data.slice(..remaining.min(data.len()));
                self.remaining -= kept.len();
                kept
            })
        })
    }
}

struct Edited<E> {
    inner: ResponseBody,
    edit: E,
    line: Vec<u8>,
}

impl<E: FnMut(&str) -> String + Unpin> Body for Edited<E> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let Some(frame) = ready!(Pin::new(&mut this.inner).poll_frame(context)) else {
            let rest = mem::take(&mut this.line);
            return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest.into()))));
        };
        Poll::Ready(Some(frame.map(|frame| {
            frame.map_data(|data| {
                let mut edited = Vec::new();
                this.line.extend_from_slice(&data);
                while let Some(end) = this.line.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = this.line.drain(..=end).collect();
                    edited.extend((this.edit)(String::from_utf8_lossy(&line).trim_end()).into_bytes());
                }
                edited.into()
            })
        })))
    }
}
