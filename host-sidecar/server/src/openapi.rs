//! The description of the API, made from the code that answers.

use super::{health, lookup, metrics, post};
use axum::{http::header, response::IntoResponse};
use cofferdam_http_api::Event;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cofferdam",
        description = "Runs programs that nobody has read, each in a gVisor sandbox of its own",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        post::post,
        lookup::get,
        lookup::delete,
        health::healthz,
        health::readyz,
        metrics::metrics,
        openapi
    ),
    components(schemas(Event)),
    modifiers(&Bearer),
    security((), ("bearer" = []))
)]
struct Api;

/// Tokens, where the sidecar asks for one.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// This description.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], description())
}

fn description() -> String {
    Api::openapi().to_pretty_json().unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// Delete the file and run the test to have it written anew.
    #[test]
    fn the_description_is_the_golden_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/openapi.json");
        match fs::read_to_string(&path) {
            Ok(golden) => assert_eq!(description(), golden, "{} differs", path.display()),
            Err(_) => {
                fs::write(&path, description()).expect("a golden file");
                panic!("{} was not there and has been written: look at it", path.display());
            }
        }
    }
}
