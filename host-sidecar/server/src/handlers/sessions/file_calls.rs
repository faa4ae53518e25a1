//! `/v1/sessions/{id}/files/…`: calls that concern files and transfer no content.

use crate::{
    api_error::ApiError,
    request::{body::offload, query::Query},
    response::json::{self, Json},
    sessions::{SessionById, entry_to_json},
};
use axum::response::Response;
use cofferdam_http_api::{
    Mode, Problem,
    session::{FileEntry, FileList},
};
use cofferdam_types::{DIRECTORY_MODE, Error};
use http::StatusCode;

/// Bytes of an entry in JSON, about.
const ENTRY_SIZE: usize = 128;

/// Returns what has a path. A symbolic link is not followed.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/files/stat",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path"),
    ),
    responses(
        (status = 200, description = "What it is", body = FileEntry),
        (status = "4XX", description = "404: nothing has this path", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn stat(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Json<FileEntry>, ApiError> {
    let query = query.only(&["path"])?;
    let entry = session.files().stat(query.bytes("path")?).await?;
    Ok(Json(entry_to_json(&entry)))
}

/// Lists a directory.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/files/list",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path of a directory"),
        ("depth" = Option<u32>, Query, minimum = 1, description = "How many directories deep. Default: 1, its own \
         entries"),
    ),
    responses(
        (status = 200, description = "The entries, with paths relative to the directory", body = FileList),
        (status = "4XX", description = "404: nothing has this path. 400: it is no directory. 413: it has too many \
         entries", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["path", "depth"])?;
    let depth = query.number("depth")?.unwrap_or(1);
    let entries = session.files().list(query.bytes("path")?, depth).await?;
    let size = entries.len() * ENTRY_SIZE;
    let serialize = move || {
        let entries = entries.iter().map(entry_to_json).collect();
        serde_json::to_vec(&FileList { entries })
    };
    let json = offload(size, serialize).await?;
    let json = json.map_err(|error| Error::internal("the list could not be serialized", error))?;
    Ok(json::response(StatusCode::OK, vec![json.into()]))
}

/// Makes a directory, and missing ones above it. One that exists stays as it is.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/files/directories",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path"),
        ("mode" = Option<Mode>, Query, description = "The permission bits. Default: 755"),
    ),
    responses(
        (status = 204, description = "The directory exists"),
        (status = "4XX", description = "409: a file has this path", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn make_directory(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<StatusCode, ApiError> {
    let query = query.only(&["path", "mode"])?;
    let mode = query.mode()?.unwrap_or(DIRECTORY_MODE);
    session.files().make_directory(query.bytes("path")?, mode).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Moves a file or a directory, and replaces a file.
///
/// Between file systems, such as from `/work` to `/tmp`, only files and symbolic links are moved. A file is copied, which
/// needs room for both; it has the new path once the copy is complete.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/files/move",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("from" = String, Query, description = "The path now"),
        ("to" = String, Query, description = "The path afterwards"),
    ),
    responses(
        (status = 204, description = "It has the new path"),
        (status = "4XX", description = "404: nothing has this path. 409: the new path cannot be replaced. 400: a \
         directory is moved to another file system. 413: the disk is full", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn move_file(
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<StatusCode, ApiError> {
    let query = query.only(&["from", "to"])?;
    session.files().move_file(query.bytes("from")?, query.bytes("to")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
