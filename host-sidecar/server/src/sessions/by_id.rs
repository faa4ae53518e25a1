//! Finds the session and the execution in the path of a request.

use crate::{api_error::ApiError, middleware::access_log::RequestContext, state::AppState, tenants::Tenant};
use axum::extract::{FromRequestParts, Path};
use cofferdam_core::session::{Session, SessionExecution};
use http::{StatusCode, request::Parts};
use std::{collections::HashMap, sync::Arc};

/// The caller's session whose id is in the path. A malformed id, and one of another tenant, are those of no session.
#[derive(Debug)]
pub(crate) struct SessionById {
    pub(crate) session: Session,
    pub(crate) tenant: Arc<Tenant>,
}

/// An execution of the caller's session.
#[derive(Debug)]
pub(crate) struct ExecutionOfSession(pub(crate) SessionExecution);

impl FromRequestParts<Arc<AppState>> for SessionById {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let id = parameter(parts, state, "id").await;
        let tenant = parts
            .extensions
            .get::<Arc<Tenant>>()
            .cloned()
            .ok_or_else(|| ApiError::invalid(StatusCode::UNAUTHORIZED, "the request has no tenant"))?;
        let session = tenant.runtime.session(&id)?;
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            context.set_session(&id);
        }
        Ok(Self { session, tenant })
    }
}

impl FromRequestParts<Arc<AppState>> for ExecutionOfSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let SessionById { session, .. } = SessionById::from_request_parts(parts, state).await?;
        let id = parameter(parts, state, "execution").await;
        let execution = session.execution(&id)?;
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            context.set_execution(&id);
        }
        Ok(Self(execution))
    }
}

async fn parameter(parts: &mut Parts, state: &Arc<AppState>, name: &str) -> String {
    let parameters = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
    parameters.ok().and_then(|Path(mut parameters)| parameters.remove(name)).unwrap_or_default()
}
