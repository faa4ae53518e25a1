//! Serializes the outcome of an execution. Only the JSON is kept.

use crate::{admission::memory::MemoryCharge, state::AppState, tenants::Tenant};
use axum::body::Bytes;
use cofferdam_http_api::Outcome;
use cofferdam_types::{Error, Report};
use tokio::task::spawn_blocking;

/// Size from which an outcome is serialized on a blocking thread, in bytes.
const LARGE_OUTCOME: usize = 256 << 10;

/// The outcome of an execution of a session in JSON, which keeps as much of the charged memory as it takes until it is
/// sent.
pub(crate) async fn shared_outcome(
    state: &AppState,
    tenant: &Tenant,
    report: Report,
    mut charge: Option<MemoryCharge>,
) -> Result<Bytes, Error> {
    let json = serialize(state, Outcome::from(report)).await?;
    charge.iter_mut().for_each(|charge| charge.shrink_to(json.len() as u64));
    Ok(state.registry.track_charged(&tenant.name, json.into(), charge))
}

pub(super) async fn serialize(state: &AppState, outcome: Outcome) -> Result<Vec<u8>, Error> {
    let (id, size) = (outcome.id.clone(), size(&outcome));
    let result = if size < LARGE_OUTCOME {
        to_json(&outcome, size).map_err(|error| error.to_string())
    } else {
        let _permit = state.large_outcomes.acquire().await;
        match spawn_blocking(move || to_json(&outcome, size)).await {
            Ok(json) => json.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    result.map_err(|detail| {
        tracing::warn!(id, detail, "the outcome could not be serialized");
        let error = Error::internal("the outcome could not be serialized", detail);
        Error { id: Some(id), ..error }
    })
}

fn to_json(outcome: &Outcome, size: usize) -> serde_json::Result<Vec<u8>> {
    // A byte becomes at most two; memory that is not written to is not used.
    let mut json = Vec::with_capacity(2 * size + 1024);
    serde_json::to_writer(&mut json, outcome)?;
    json.shrink_to_fit();
    Ok(json)
}

fn size(outcome: &Outcome) -> usize {
    let files = outcome.files.iter().map(|file| file.path.len() + file.content.0.len());
    let skipped = outcome.skipped.iter().map(|file| file.path.len() + file.reason.len());
    outcome.stdout.content.0.len() + outcome.stderr.content.0.len() + files.chain(skipped).sum::<usize>()
}
