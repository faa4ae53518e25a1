//! The body of an answer that is made of parts which others hold too.

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// Parts that follow one another. None of them is copied.
#[derive(Debug)]
struct SharedBody(VecDeque<Bytes>);

/// A body of these parts, whose length is known.
pub(super) fn body(parts: Vec<Bytes>) -> Body {
    Body::new(SharedBody(parts.into()))
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_body_of_parts_is_as_long_as_all_of_them_and_copies_none() {
        let shared = Bytes::from(vec![b'x'; 1000]);
        let mut body = body(vec!["a".into(), shared.clone(), "b".into()]);
        assert_eq!(body.size_hint().exact(), Some(1002));
        let mut parts = Vec::new();
        while let Some(frame) = body.frame().await {
            parts.extend(frame.expect("a frame").into_data());
        }
        assert_eq!(parts.concat().len(), 1002);
        assert_eq!(parts[1].as_ptr(), shared.as_ptr());
    }
}
