//! `/v1/sessions/{id}/files/tar`: a directory with everything in it, as a tar archive.

use crate::{
    api_error::ApiError,
    request::{body_stream::BodyStream, query::Query},
    sessions::SessionById,
    state::AppState,
    tar::{TarDecoder, TarEncoder, TarPart},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use cofferdam_core::session::{TreePart, TreeReader, TreeWriter};
use cofferdam_http_api::{Problem, session::TAR};
use futures_util::stream::unfold;
use http::{StatusCode, header};
use std::{io, sync::Arc};

/// Reads a directory as a tar archive: regular files, directories and symbolic links.
///
/// A response that ends early is incomplete: the session has ended, which the next call says, a file has changed, or the
/// call took longer than 15 minutes.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/files/tar",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path of a directory"),
    ),
    responses(
        (status = 200, description = "The archive, with paths relative to the directory", body = Vec<u8>,
         content_type = "application/x-tar"),
        (status = "4XX", description = "404: nothing has this path. 400: it is no directory. 403: something in it may \
         not be read; the detail names it. 413: it has too many entries", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn read(
    State(state): State<Arc<AppState>>,
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["path"])?;
    let mut reader = session.files().read_tree(query.bytes("path")?).await?;
    // Whether there is such a directory is known with its first part: later errors can only cut the response.
    let first = reader.next().await?;
    let reading = Reading { state, first: Some(first), reader, encoder: Some(TarEncoder::new()) };
    let parts = unfold(reading, async |mut reading| {
        let bytes = reading.next().await.transpose()?;
        Some((
            bytes.inspect_err(|error| tracing::info!(%error, "a directory was not read to its end")),
            reading,
        ))
    });
    Ok(([(header::CONTENT_TYPE, TAR)], Body::from_stream(parts)).into_response())
}

struct Reading {
    state: Arc<AppState>,
    /// The first part, until it is sent.
    first: Option<Option<TreePart>>,
    reader: TreeReader,
    /// None at the end.
    encoder: Option<TarEncoder>,
}

impl Reading {
    /// The next bytes of the archive. After an error there are no more, and the response has no end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        let part = match self.first.take() {
            Some(first) => first,
            None => self.reader.next().await.map_err(io::Error::other)?,
        };
        let bytes = match part {
            None => return encoder.finish().map(Some),
            Some(TreePart::Entry(entry)) => encoder.entry(&entry)?,
            Some(TreePart::Content(bytes)) => encoder.content(bytes),
        };
        self.encoder = Some(encoder);
        self.state.metrics.sessions.sent(bytes.len());
        Ok(Some(bytes))
    }
}

/// Writes the files, directories and symbolic links of a tar archive into a directory, which is made.
///
/// Names are UTF-8; a file with another name can be written by its own path.
#[utoipa::path(
    put,
    path = "/v1/sessions/{id}/files/tar",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path of a directory"),
    ),
    request_body(content = Vec<u8>, content_type = "application/x-tar"),
    responses(
        (status = 204, description = "All entries were written"),
        (status = "4XX", description = "The archive is refused, or the disk is full; entries before that are written",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn write(
    State(state): State<Arc<AppState>>,
    SessionById { session, .. }: SessionById,
    query: Query,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let query = query.only(&["path"])?;
    let mut writer = session.files().write_tree(query.bytes("path")?).await?;
    let mut body = BodyStream::new(body, state.config.body_seconds.0);
    let mut decoder = TarDecoder::default();
    while let Some(bytes) = body.next_unless(writer.failure()).await? {
        state.metrics.sessions.received(bytes.len());
        decoder.push(bytes);
        if write_parts(&mut decoder, &mut writer).await? {
            writer.finish().await?;
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    if !decoder.is_complete() {
        return Err(ApiError::invalid(StatusCode::BAD_REQUEST, "the archive is incomplete"));
    }
    writer.finish().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes the decoded parts. Returns whether the archive has ended.
async fn write_parts(decoder: &mut TarDecoder, writer: &mut TreeWriter) -> Result<bool, ApiError> {
    let refused =
        |error: crate::tar::Malformed| ApiError::invalid(StatusCode::BAD_REQUEST, error.to_string());
    while let Some(part) = decoder.next().map_err(refused)? {
        match part {
            TarPart::Entry(entry) => writer.entry(entry).await?,
            TarPart::Content(bytes) => writer.content(bytes).await?,
            TarPart::End => return Ok(true),
        }
    }
    Ok(false)
}
