//! Responses in JSON; the body of one may share its parts with other responses.

use crate::api_error::ApiError;
use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use cofferdam_types::Error;
use http::{StatusCode, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde::Serialize;
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// A response whose JSON is the concatenation of `parts`.
pub(crate) fn response(status: StatusCode, parts: Vec<Bytes>) -> Response {
    let body = Body::new(SharedBody::new(parts));
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A response whose JSON is that of a value.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Err(error) => {
                ApiError::from(Error::internal("the response could not be serialized", error)).into_response()
            }
        }
    }
}

/// A body of consecutive parts, which are not copied. Its length is known.
#[derive(Debug)]
struct SharedBody(VecDeque<Bytes>);

impl SharedBody {
    fn new(parts: Vec<Bytes>) -> Self {
        Self(parts.into())
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
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
    async fn a_shared_body_has_the_length_of_its_parts_and_copies_none() {
        let shared = Bytes::from(vec![b'x'; 1000]);
        let mut body = SharedBody::new(vec!["a".into(), shared.clone(), "b".into()]);
        assert_eq!(body.size_hint().exact(), Some(1002));
        let mut parts = Vec::new();
        while let Some(frame) = body.frame().await {
            parts.extend(frame.expect("a frame").into_data());
        }
        assert_eq!(parts.concat().len(), 1002);
        assert_eq!(parts[1].as_ptr(), shared.as_ptr());
    }
}
