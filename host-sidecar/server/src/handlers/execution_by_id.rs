//! Finds the execution in the path of a request.

use crate::{
    api_error::ApiError, executions::Execution, middleware::access_log::RequestContext, state::AppState,
    tenants::Tenant,
};
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use std::sync::Arc;

/// The caller's execution whose id is in the path. A malformed id is that of no execution.
pub(crate) struct ExecutionById(pub(super) Arc<Execution>);

impl FromRequestParts<Arc<AppState>> for ExecutionById {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let id = Path::<String>::from_request_parts(parts, state)
            .await
            .map_or_else(|_| String::new(), |Path(id)| id);
        let tenant = parts.extensions.get::<Arc<Tenant>>().map_or("", |tenant| &tenant.name);
        let execution = state.registry.find(tenant, &id)?;
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            context.set_execution(&execution.id);
        }
        Ok(Self(execution))
    }
}
