//! Marks a connection as busy while a request is in progress.

use super::table::Activity;
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

/// A request in progress on a connection, until this is dropped.
pub(crate) struct BusyGuard(Arc<Activity>);

impl BusyGuard {
    pub(crate) fn new(activity: &Arc<Activity>) -> Self {
        activity.is_busy.store(true, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.is_busy.store(false, Ordering::Relaxed);
    }
}

/// The body of a response. The request is in progress until it is dropped.
pub(super) struct BusyBody {
    body: Body,
    _guard: BusyGuard,
}

impl BusyBody {
    pub(super) fn new(body: Body, guard: BusyGuard) -> Self {
        Self { body, _guard: guard }
    }
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
