//! Bodies of answers on which something befalls them on their way.

use crate::conformance::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame};
use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The body of an answer.
pub(super) type AnswerBody = UnsyncBoxBody<Bytes, Failure>;
type Polled = Poll<Option<Result<Frame<Bytes>, Failure>>>;

/// How a body goes on after its last byte.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    /// Its connection breaks.
    Break,
    /// It ends, as if that were all.
    End,
    /// Nothing more comes.
    Stall,
}

/// The body's first bytes, and what becomes of it then.
pub(super) fn limited(inner: AnswerBody, left: usize, fate: Fate) -> AnswerBody {
    Limited { inner, left, fate }.boxed_unsync()
}

/// The body with its lines changed. What becomes of one is handed on when the next is there.
pub(super) fn edited(inner: AnswerBody, edit: impl FnMut(&str) -> String + Send + Unpin + 'static) -> AnswerBody {
    Edited { inner, edit, line: Vec::new() }.boxed_unsync()
}

struct Limited {
    inner: AnswerBody,
    left: usize,
    fate: Fate,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.left == 0 {
            return match self.fate {
                Fate::Break => Poll::Ready(Some(Err("broken".into()))),
                Fate::End => Poll::Ready(None),
                // The body is dropped with its connection.
                Fate::Stall => Poll::Pending,
            };
        }
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let left = self.left;
        polled.map_ok(|frame| {
            frame.map_data(|data| {
                let kept = data.slice(..left.min(data.len()));
                self.left -= kept.len();
                kept
            })
        })
    }
}

struct Edited<E> {
    inner: AnswerBody,
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
