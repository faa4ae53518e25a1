//! The OpenAPI schema of a server-sent event: its fields, and the JSON in the field `data`.

use serde_json::json;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, extensions::Extensions, schema::Type},
};

/// An event of the stream of an execution.
pub(crate) struct ServerSentEvent;

impl PartialSchema for ServerSentEvent {
    fn schema() -> RefOr<Schema> {
        let event = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The name of the member of `data`"));
        // The builder has no method for this JSON Schema keyword.
        let content = [("contentSchema", json!({ "$ref": "#/components/schemas/Event" }))];
        let data = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An `Event` as JSON"))
            .content_media_type("application/json")
            .extensions(Some(Extensions::from_iter(content)));
        let fields = ObjectBuilder::new().description(Some("A server-sent event.")).property("event", event);
        fields.property("data", data).required("event").required("data").into()
    }
}

impl ToSchema for ServerSentEvent {
    fn name() -> Cow<'static, str> {
        "ServerSentEvent".into()
    }
}
