//! The body of a request with streamed files (`multipart/form-data`, RFC 7578).

use cofferdam_core::{
    Inputs,
    inputs::{EntryKind, InputEntry, InputPart},
    new_id,
};
use cofferdam_http_api::{DIRECTORY_TYPE, LINK_TYPE, MODE_HEADER, Mode};
use cofferdam_types::Error;
use hyper::body::{Body, Bytes, Frame};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::watch;

/// What is encoded in an extended parameter (RFC 8187), so that no character is ambiguous.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How far a body was sent.
#[derive(Debug, Clone)]
pub(super) enum Progress {
    /// This many pieces of it.
    Sending(u64),
    Sent,
    /// A file could not be read.
    Failed(Error),
}

/// A body that is made of a request and of the files that follow it, as they are read. It has no end if a file
/// cannot be read.
#[derive(Debug)]
pub(super) struct MultipartBody {
    boundary: String,
    /// What is sent next, before more files are read.
    next: Option<Bytes>,
    inputs: Inputs,
    progress: watch::Sender<Progress>,
}

impl MultipartBody {
    /// The body, and how far it was sent.
    pub(super) fn new(request: &[u8], inputs: Inputs) -> (Self, watch::Receiver<Progress>) {
        let boundary = format!("cofferdam-{}", new_id());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\nContent-Type: application/json\r\n\r\n"
        );
        let next = Some([head.as_bytes(), request].concat().into());
        let (progress, receiver) = watch::channel(Progress::Sending(0));
        (Self { boundary, next, inputs, progress }, receiver)
    }

    /// The value of the header `Content-Type`.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The beginning of the part of an entry.
    fn head(&self, entry: &InputEntry) -> String {
        let (media_type, mode, content) = match &entry.kind {
            EntryKind::File(mode) => ("application/octet-stream", Some(*mode), ""),
            EntryKind::Directory(mode) => (DIRECTORY_TYPE, Some(*mode), ""),
            EntryKind::Link(target) => (LINK_TYPE, None, target.as_str()),
        };
        let mode = mode.map(|mode| format!("{MODE_HEADER}: {}\r\n", Mode(mode))).unwrap_or_default();
        let (boundary, name) = (&self.boundary, utf8_percent_encode(&entry.path, ENCODED));
        format!(
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''{name}\r\n\
             Content-Type: {media_type}\r\n{mode}\r\n{content}"
        )
    }
}

impl Body for MultipartBody {
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
        let bytes = match self.next.take() {
            Some(bytes) => bytes,
            None => match ready!(self.inputs.poll_next(cx)) {
                Ok(InputPart::Entry(entry)) => self.head(&entry).into(),
                Ok(InputPart::Content(bytes)) => bytes.into(),
                Ok(InputPart::End) => {
                    self.progress.send_replace(Progress::Sent);
                    format!("\r\n--{}--\r\n", self.boundary).into()
                }
                Err(error) => {
                    // The connection stays open: a response that has begun is read to its end.
                    self.progress.send_replace(Progress::Failed(error));
                    return Poll::Pending;
                }
            },
        };
        self.progress.send_modify(|progress| {
            if let Progress::Sending(pieces) = progress {
                *pieces += 1;
            }
        });
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
