//! `/v1/sessions/{id}/files/watch`: changes in a directory.

use crate::{
    api_error::{ApiError, to_problem},
    request::query::Query,
    response::{
        event_schema::WatchEventSchema,
        server_sent::{self, EndsAt, encode},
    },
    sessions::SessionById,
    state::AppState,
};
use axum::{extract::State, response::Response};
use cofferdam_core::session::{self, Watch};
use cofferdam_http_api::{
    Problem,
    session::{ChangeKind, FileChange, WatchEvent, name_of},
};
use cofferdam_types::Error;
use futures_util::{StreamExt, stream::once, stream::unfold};
use std::sync::Arc;

/// Reports changes in a directory, until the caller disconnects.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/files/watch",
    tag = "session files",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("path" = String, Query, description = "The path of a directory"),
        ("recursive" = Option<bool>, Query, description = "Whether to watch all directories below it too"),
    ),
    responses(
        (status = 200, description = "The events", body = WatchEventSchema, content_type = "text/event-stream"),
        (status = "4XX", description = "404: nothing has this path. 400: it is no directory", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn watch(
    State(state): State<Arc<AppState>>,
    SessionById { session, .. }: SessionById,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["path", "recursive"])?;
    let watch = session.files().watch(query.bytes("path")?, query.flag("recursive")?).await?;
    let changes = unfold(watch, next_change).map(event_to_json);
    let events = once(async { WatchEvent::Watching(true) }).chain(changes);
    Ok(server_sent::response(&state, &EndsAt::Shutdown, events.map(|event| encode(event.name(), &event))))
}

async fn next_change(mut watch: Watch) -> Option<(Result<session::FileChange, Error>, Watch)> {
    Some((watch.next().await?, watch))
}

fn event_to_json(change: Result<session::FileChange, Error>) -> WatchEvent {
    match change {
        Ok(session::FileChange::Changed { kind, path }) => {
            let (path, path_bytes) = name_of(&path);
            let kind = match kind {
                session::ChangeKind::Created => ChangeKind::Created,
                session::ChangeKind::Modified => ChangeKind::Modified,
                session::ChangeKind::Removed => ChangeKind::Removed,
            };
            WatchEvent::Changed(FileChange { kind, path, path_bytes })
        }
        Ok(session::FileChange::Overflow) => WatchEvent::Overflow(true),
        Err(error) => WatchEvent::Failed(to_problem(error)),
    }
}
