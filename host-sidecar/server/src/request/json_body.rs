//! A small body in JSON.

use super::{
    body::{self, parse_as},
    negotiate::require_json,
};
use crate::{api_error::ApiError, state::AppState, tenants::Tenant};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A body of JSON, and its hash.
pub(crate) struct JsonBody<T> {
    pub(crate) value: T,
    pub(crate) digest: [u8; 32],
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<AppState>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        require_json(&head.headers)?;
        let tenant = head.extensions.get::<Arc<Tenant>>().ok_or_else(unknown_tenant)?;
        read(body, state, tenant).await
    }
}

async fn read<T: DeserializeOwned + Send + 'static>(
    body: Body,
    state: &AppState,
    tenant: &Tenant,
) -> Result<JsonBody<T>, ApiError> {
    let (limit, time) = (state.config.body_limit.0, state.config.body_seconds.0);
    let received = body::read(body, limit, time, &tenant.request_memory).await?;
    let parse = |body: &[u8]| parse_as(body, "a request").map(|value| (value, Sha256::digest(body).into()));
    let (parsed, _charge) = received.process(parse).await?;
    parsed.map(|(value, digest)| JsonBody { value, digest })
}

fn unknown_tenant() -> ApiError {
    ApiError::invalid(StatusCode::UNAUTHORIZED, "the request has no tenant")
}
