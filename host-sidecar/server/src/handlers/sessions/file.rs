//! `/v1/sessions/{id}/files`: one file.

use crate::{
    api_error::ApiError,
    request::{body_stream::BodyStream, query::Query},
    sessions::SessionById,
    state::AppState,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use cofferdam_core::session::{FileEntry, FileKind, FileReader};
use cofferdam_http_api::{MODE_HEADER, Mode, Problem, session::MODIFIED_HEADER};
use cofferdam_types::{Error, PERMISSIONS, milliseconds};
use futures_util::stream::unfold;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// Reads a regular file.
///
/// A response that ends early is incomplete: the session has ended, which the next call says, the file has changed, or the
/// call took longer than 15 minutes.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/files",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path, whose bytes are percent-encoded; a relative one begins at \
         `/work`"),
    ),
    responses(
        (status = 200, description = "The bytes of the file", body = Vec<u8>,
         content_type = "application/octet-stream", headers(
            ("cofferdam-mode" = Mode, description = "The permission bits"),
            ("cofferdam-modified-ms" = u64, description = "When it was last changed, in milliseconds since 1970"),
         )),
        (status = "4XX", description = "404: there is no such file. 400: it is no regular file", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn read(
    State(state): State<Arc<AppState>>,
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["path"])?;
    let (entry, reader) = session.files().read(query.bytes("path")?).await?;
    let body = Body::from_stream(unfold((state, reader), next));
    Ok((headers(&entry), body).into_response())
}

type Reading = (Arc<AppState>, FileReader);

/// The next bytes. After an error there are no more, and the response has no end.
async fn next((state, mut reader): Reading) -> Option<(Result<Bytes, Error>, Reading)> {
    let bytes =
        reader.next().await.inspect_err(|error| tracing::info!(%error, "a file was not read to its end"));
    let bytes = bytes.transpose()?.inspect(|bytes| state.metrics.sessions.sent(bytes.len()));
    Some((bytes, (state, reader)))
}

/// Returns what a file is, without its content.
#[utoipa::path(
    head,
    path = "/v1/sessions/{id}/files",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path of a regular file"),
    ),
    responses(
        (status = 200, description = "The file exists", headers(
            ("Content-Length" = u64, description = "The size"),
            ("cofferdam-mode" = Mode, description = "The permission bits"),
            ("cofferdam-modified-ms" = u64, description = "When it was last changed, in milliseconds since 1970"),
         )),
        (status = "4XX", description = "404: there is no such file. 400: it is no regular file"),
    ),
)]
pub(crate) async fn head(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["path"])?;
    let entry = session.files().stat(query.bytes("path")?).await?;
    if entry.kind != FileKind::File {
        return Err(ApiError::invalid(StatusCode::BAD_REQUEST, "the path is no regular file"));
    }
    let mut headers = headers(&entry);
    headers.insert(header::CONTENT_LENGTH, entry.size.into());
    Ok((headers, Body::empty()).into_response())
}

fn headers(entry: &FileEntry) -> HeaderMap {
    let mode = HeaderValue::from_str(&Mode(entry.mode & PERMISSIONS).to_string());
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (HeaderName::from_static(MODE_HEADER), mode.unwrap_or_else(|_| HeaderValue::from_static(""))),
        (HeaderName::from_static(MODIFIED_HEADER), milliseconds(entry.modified).into()),
    ])
}

/// Writes a regular file. Until all bytes have come, the path has its old content; of several writes the last one that
/// ends wins.
#[utoipa::path(
    put,
    path = "/v1/sessions/{id}/files",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path; missing directories above it are made"),
        ("mode" = Option<Mode>, Query, description = "The permission bits. Default: those that it has, else 644"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "The file has this content"),
        (status = "4XX", description = "Nothing was changed. 400: the path is no regular file. 413: the disk is full",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn write(
    State(state): State<Arc<AppState>>,
    SessionById { session, .. }: SessionById,
    query: Query,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let query = query.only(&["path", "mode"])?;
    let mut writer = session.files().write(query.bytes("path")?, query.mode()?).await?;
    let mut body = BodyStream::new(body, state.config.body_seconds.0);
    while let Some(bytes) = body.next_unless(writer.failure()).await? {
        state.metrics.sessions.received(bytes.len());
        writer.write(bytes).await?;
    }
    writer.finish().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a file, or a directory with everything in it.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}/files",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path"),
    ),
    responses(
        (status = 204, description = "Nothing has this path any longer"),
        (status = "4XX", description = "404: nothing has this path", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<StatusCode, ApiError> {
    let query = query.only(&["path"])?;
    session.files().remove(query.bytes("path")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
