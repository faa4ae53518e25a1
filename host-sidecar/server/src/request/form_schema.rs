//! The OpenAPI schema of a request with streamed files, as the parts of a form.

use cofferdam_http_api::{DIRECTORY_TYPE, EXECUTIONS, LINK_TYPE, MODE_HEADER};
use utoipa::{
    Modify,
    openapi::{
        Content, ContentBuilder, HeaderBuilder, KnownFormat, ObjectBuilder, OpenApi, Ref, SchemaFormat,
        encoding::EncodingBuilder,
        schema::{ArrayBuilder, Type},
    },
};

/// Adds the form to the bodies that a program is executed from.
pub(crate) struct RequestForm;

impl Modify for RequestForm {
    fn modify(&self, api: &mut OpenApi) {
        let post = api.paths.paths.get_mut(EXECUTIONS).and_then(|path| path.post.as_mut());
        if let Some(body) = post.and_then(|post| post.request_body.as_mut()) {
            body.content.insert("multipart/form-data".into(), form());
        }
    }
}

// The macro of a path has no attribute for the headers of a part.
fn form() -> Content {
    let file = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    let files = ArrayBuilder::new().items(file).description(Some(format!(
        "Files, each in a part with its path as `filename`. The type `{DIRECTORY_TYPE}` makes an empty directory, \
         `{LINK_TYPE}` a symbolic link to the target in its part"
    )));
    let parts = ObjectBuilder::new()
        .property("request", Ref::from_schema_name("Request"))
        .property("file", files)
        .required("request")
        .description(Some("The part `request` is the first."));
    let mode = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^0?[0-7]{3}$"));
    let mode = HeaderBuilder::new().schema(mode).description(Some("The permission bits of the file"));
    let types = format!("application/octet-stream, {DIRECTORY_TYPE}, {LINK_TYPE}");
    ContentBuilder::new()
        .schema(Some(parts))
        .encoding("request", EncodingBuilder::new().content_type(Some("application/json")))
        .encoding("file", EncodingBuilder::new().content_type(Some(types)).header(MODE_HEADER, mode))
        .build()
}
