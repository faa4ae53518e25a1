//! A request with streamed files: its first part is the request, the others are files. They are read only as fast
//! as the sandbox takes them.

use super::{
    body::{ReceivedBody, too_large},
    multipart::{MultipartDecoder, PartHead, Piece},
    negotiate::media_type,
};
use crate::{admission::memory::MemoryBudget, api_error::ApiError};
use axum::body::Body;
use cofferdam_core::{
    InputSender,
    inputs::{EntryKind, InputEntry, InputPart, MAX_LINK_TARGET},
};
use cofferdam_http_api::{DIRECTORY_TYPE, LINK_TYPE, MODE_HEADER, Mode};
use cofferdam_types::{DIRECTORY_MODE, Error, ErrorCode, FILE_MODE, quoted};
use http::StatusCode;
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::timeout;

/// The name of the part with the request.
const REQUEST: &str = "request";
/// Memory for the files of one request while they pass through, in bytes.
const PASSING_BYTES: u64 = 1 << 20;

/// A body of several parts.
#[derive(Debug)]
pub(crate) struct Parts {
    body: Body,
    decoder: MultipartDecoder,
    /// A piece that was read and is not used yet.
    pending: Option<Piece>,
}

impl Parts {
    pub(crate) fn new(body: Body, boundary: &str) -> Self {
        Self { body, decoder: MultipartDecoder::new(boundary), pending: None }
    }

    /// Reads the part with the request, of at most `limit` bytes within `time`, as far as the budget allows.
    pub(crate) async fn read_request(
        &mut self,
        limit: u64,
        time: Duration,
        budget: &MemoryBudget,
    ) -> Result<ReceivedBody, ApiError> {
        let charge = budget.try_charge(PASSING_BYTES)?;
        let received = ReceivedBody { bytes: Vec::new(), charge };
        timeout(time, self.read_request_part(received, limit, budget)).await.unwrap_or_else(|_| {
            let text = format!("the part `{REQUEST}` was not received within {} s", time.as_secs_f64());
            Err(ApiError::invalid(StatusCode::REQUEST_TIMEOUT, text).retryable())
        })
    }

    async fn read_request_part(
        &mut self,
        mut received: ReceivedBody,
        limit: u64,
        budget: &MemoryBudget,
    ) -> Result<ReceivedBody, ApiError> {
        match self.next().await? {
            Piece::Part(head) if head.name == REQUEST => {}
            _ => {
                return Err(
                    invalid(format!("the first part must be `{REQUEST}`, with the request as JSON")).into()
                );
            }
        }
        // The part ends where the next one begins.
        while let Some(bytes) = self.next_content().await? {
            let size = (received.bytes.len() + bytes.len()) as u64;
            if size > limit {
                return Err(too_large(limit));
            }
            received.charge.grow_to(PASSING_BYTES + size, budget)?;
            received.bytes.extend_from_slice(&bytes);
        }
        Ok(received)
    }

    /// Sends all files, until no more are wanted.
    pub(crate) async fn send(mut self, sender: InputSender) {
        let sent = tokio::select! {
            sent = self.send_files(&sender) => sent,
            () = sender.closed() => return,
        };
        sender.send(sent.map(|()| InputPart::End)).await;
    }

    async fn send_files(&mut self, sender: &InputSender) -> Result<(), Error> {
        while let Some(head) = self.next_head().await? {
            let kind = self.kind(&head).await?;
            let is_file = matches!(kind, EntryKind::File(_));
            let entry = InputEntry { path: path(head)?, kind };
            let shown = quoted(&entry.path);
            sender.send(Ok(InputPart::Entry(entry))).await;
            while let Some(bytes) = self.next_content().await? {
                if !is_file {
                    return Err(invalid(format!("files: the directory {shown} has content")));
                }
                sender.send(Ok(InputPart::Content(bytes))).await;
            }
        }
        Ok(())
    }

    /// The head of the next part; none if there is no more.
    async fn next_head(&mut self) -> Result<Option<PartHead>, Error> {
        loop {
            match self.next().await? {
                Piece::Part(head) => return Ok(Some(head)),
                Piece::End => return Ok(None),
                Piece::Content(_) => {}
            }
        }
    }

    /// The next bytes of the part; none at its end.
    async fn next_content(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self.next().await? {
            Piece::Content(bytes) => Ok(Some(bytes)),
            piece => {
                self.pending = Some(piece);
                Ok(None)
            }
        }
    }

    async fn next(&mut self) -> Result<Piece, Error> {
        if let Some(piece) = self.pending.take() {
            return Ok(piece);
        }
        loop {
            if let Some(piece) = self.decoder.next().map_err(|malformed| invalid(malformed.to_string()))? {
                return Ok(piece);
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.decoder.push(frame.data_ref().map_or(&[], |bytes| bytes)),
                Some(Err(_)) | None => {
                    let text = "the body is incomplete; the program did not start";
                    return Err(invalid(text.into()).retryable());
                }
            }
        }
    }

    /// What the part is.
    async fn kind(&mut self, head: &PartHead) -> Result<EntryKind, Error> {
        let mode = |default| match head.header(MODE_HEADER) {
            Some(text) => text.parse().map(|mode: Mode| mode.0).map_err(|error| {
                invalid(format!("files: the header {MODE_HEADER} of {} is wrong: {error}", shown(head)))
            }),
            None => Ok(default),
        };
        match media_type(head.header("content-type").unwrap_or_default()).to_ascii_lowercase().as_str() {
            DIRECTORY_TYPE => Ok(EntryKind::Directory(mode(DIRECTORY_MODE)?)),
            LINK_TYPE => self.target(head).await.map(EntryKind::Link),
            _ => Ok(EntryKind::File(mode(FILE_MODE)?)),
        }
    }

    /// The target of a link, which is the content of its part.
    async fn target(&mut self, head: &PartHead) -> Result<String, Error> {
        let mut target = Vec::new();
        while let Some(bytes) = self.next_content().await? {
            target.extend_from_slice(&bytes);
            if target.len() > MAX_LINK_TARGET {
                break;
            }
        }
        String::from_utf8(target).ok().filter(|target| target.len() <= MAX_LINK_TARGET).ok_or_else(|| {
            let text = "is not UTF-8 or is too long";
            invalid(format!("files: the target of the symbolic link {} {text}", shown(head)))
        })
    }
}

/// The path of a part's file in the working directory.
fn path(head: PartHead) -> Result<String, Error> {
    let name = quoted(&head.name);
    head.filename.ok_or_else(|| {
        invalid(format!("the part {name} has no file name: filename is the path in the working directory"))
    })
}

fn shown(head: &PartHead) -> String {
    quoted(head.filename.as_deref().unwrap_or_default())
}

fn invalid(text: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, text)
}
