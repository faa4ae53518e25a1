//! `GET /v1/openapi.json`: the OpenAPI document, generated from the handlers.

use super::{
    cancel, get, health, metrics, post,
    sessions::{
        collection, execution, executions, file, file_calls, session, streams, terminal, tree, watch,
    },
};
use crate::request::form_schema::RequestForm;
use axum::response::IntoResponse;
use cofferdam_http_api::{
    Event,
    session::{SessionEvent, WatchEvent},
};
use http::header;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cofferdam",
        description = "Executes untrusted programs, each in its own gVisor sandbox",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        post::post,
        get::get,
        cancel::delete,
        collection::create,
        collection::list,
        session::get,
        session::update,
        session::close,
        session::usage,
        executions::start,
        executions::list,
        execution::get,
        execution::kill,
        execution::signal,
        execution::resize,
        streams::output,
        streams::stdin,
        terminal::terminal,
        file::read,
        file::head,
        file::write,
        file::remove,
        file_calls::stat,
        file_calls::list,
        file_calls::make_directory,
        file_calls::move_file,
        tree::read,
        tree::write,
        watch::watch,
        health::healthz,
        health::readyz,
        metrics::metrics,
        openapi
    ),
    components(schemas(Event, SessionEvent, WatchEvent)),
    modifiers(&Bearer, &RequestForm),
    security((), ("bearer" = []))
)]
struct Api;

/// Adds the bearer token, which is required if the sidecar has a token file.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// Returns this document.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "operation",
    responses((status = 200, description = "The OpenAPI 3.1 document", content_type = "application/json"))
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document())
}

fn document() -> String {
    Api::openapi().to_pretty_json().unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// To update the golden file, delete it and run this test.
    #[test]
    fn the_description_is_the_golden_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/openapi.json");
        match fs::read_to_string(&path) {
            Ok(golden) => assert_eq!(document(), golden, "{} differs", path.display()),
            Err(_) => {
                fs::write(&path, document()).expect("a golden file");
                panic!("{} was missing and has been written; review it", path.display());
            }
        }
    }
}
