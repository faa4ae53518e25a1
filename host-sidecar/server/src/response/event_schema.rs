//! The OpenAPI schema of a server-sent event: its fields, and the JSON in the field `data`.

use serde_json::json;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, extensions::Extensions, schema::Type},
};

/// Defines the schema of a server-sent event whose data is an event of this name.
macro_rules! server_sent_event {
    ($(#[$doc:meta])+ $schema:ident, $name:literal, $data:literal) => {
        $(#[$doc])+
        pub(crate) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                server_sent($data)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    };
}

server_sent_event! {
    /// An event of the stream of an execution.
    ServerSentEvent, "ServerSentEvent", "Event"
}
server_sent_event! {
    /// An event of the stream of an execution of a session.
    SessionEventSchema, "ServerSentSessionEvent", "SessionEvent"
}
server_sent_event! {
    /// An event of a watched directory.
    WatchEventSchema, "ServerSentWatchEvent", "WatchEvent"
}

fn server_sent(data: &str) -> RefOr<Schema> {
    let event =
        ObjectBuilder::new().schema_type(Type::String).description(Some("The name of the member of `data`"));
    // The builder has no method for this JSON Schema keyword.
    let content = [("contentSchema", json!({ "$ref": format!("#/components/schemas/{data}") }))];
    let article = if data.starts_with(['A', 'E', 'I', 'O', 'U']) { "An" } else { "A" };
    let data = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!("{article} `{data}` as JSON")))
        .content_media_type("application/json")
        .extensions(Some(Extensions::from_iter(content)));
    let fields = ObjectBuilder::new().description(Some("A server-sent event.")).property("event", event);
    fields.property("data", data).required("event").required("data").into()
}
