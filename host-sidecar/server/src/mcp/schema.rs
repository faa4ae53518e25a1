//! The JSON Schemas of the tools' arguments and of their structured results, generated from the types. Pure.

use super::arguments::Arguments;
use cofferdam_core::policy::{Limits, Policy};
use cofferdam_http_api::{FileSummary, Outcome, Problem};
use cofferdam_types::validation::{DEFAULT_LANGUAGE, DEFAULT_NETWORK};
use rmcp::model::JsonObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The schema of the arguments under this policy. `limits` are those of a call that requests none.
pub(super) fn input(policy: &Policy, limits: &Limits, has_input_dir: bool) -> JsonObject {
    let mut schema = schema_of::<Arguments>();
    let properties = &mut schema["properties"];
    let file = &mut properties["files"]["items"];
    // An input file has no other members.
    file["additionalProperties"] = false.into();
    if !has_input_dir {
        file["properties"].as_object_mut().map(|members| members.remove("source"));
    }
    properties["timeout_seconds"]["maximum"] = policy.ceilings.wall_time().as_secs_f64().into();
    properties["timeout_seconds"]["default"] = limits.wall_time().as_secs_f64().into();
    apply_policy(properties, policy);
    closed(schema)
}

/// Limits the language, the network and the image among the arguments to those of the policy.
pub(super) fn apply_policy(properties: &mut Value, policy: &Policy) {
    properties["language"]["enum"] = policy.languages.keys().cloned().collect();
    properties["language"]["default"] = DEFAULT_LANGUAGE.into();
    if policy.networks.is_empty() {
        properties.as_object_mut().map(|properties| properties.remove("network"));
    } else {
        let networks = [DEFAULT_NETWORK].into_iter().chain(policy.networks.iter().map(String::as_str));
        properties["network"]["enum"] = networks.collect();
        properties["network"]["default"] = DEFAULT_NETWORK.into();
    }
    if policy.allowed_images.is_empty() {
        properties.as_object_mut().map(|properties| properties.remove("image"));
    } else if let Value::String(description) = &mut properties["image"]["description"] {
        // Unlike a command, a pattern cannot contain instructions for the model.
        *description += &format!(" Allowed: {}.", policy.allowed_images);
    }
}

/// The schema of arguments without others.
pub(super) fn closed(mut schema: Value) -> JsonObject {
    schema["additionalProperties"] = false.into();
    object(schema)
}

/// The schema of the structured result of an execution.
pub(super) fn output() -> JsonObject {
    result(vec![outcome()])
}

/// The schema of an outcome whose files are in the content blocks.
pub(super) fn outcome() -> Value {
    let mut outcome = schema_of::<Outcome>();
    outcome["properties"]["files"]["items"] = schema_of::<FileSummary>();
    outcome
}

/// The schema of a structured result: one of these, or the problem of a call that has none of them.
pub(super) fn result(mut kinds: Vec<Value>) -> JsonObject {
    kinds.push(schema_of::<Problem>());
    object(json!({ "type": "object", "anyOf": kinds }))
}

/// The schema of a type, without references: hosts pass schemas on to models, and few resolve references.
pub(super) fn schema_of<T: ToSchema>() -> Value {
    let mut referenced = Vec::new();
    T::schemas(&mut referenced);
    let referenced = referenced.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let mut schema = json!(T::schema());
    resolve_references(&mut schema, &referenced);
    schema
}

fn resolve_references(schema: &mut Value, referenced: &BTreeMap<String, Value>) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| resolve_references(schema, referenced)),
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.remove("$ref") {
                let name = reference.rsplit('/').next().unwrap_or_default();
                if let Some(Value::Object(target)) = referenced.get(name) {
                    // Members beside a reference, such as a description, override those of its target.
                    for (name, value) in target {
                        members.entry(name).or_insert_with(|| value.clone());
                    }
                }
            }
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            members.values_mut().for_each(|schema| resolve_references(schema, referenced));
        }
        _ => {}
    }
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::{McpConfig, defaults};
    use cofferdam_http_api::object::Object;
    use std::sync::Arc;

    fn schema(networks: &[&str]) -> Value {
        schema_with(networks, &[], false)
    }

    fn schema_with(networks: &[&str], images: &[&str], has_input_dir: bool) -> Value {
        let networks = networks.iter().map(ToString::to_string).collect();
        let allowed_images = images.iter().map(|pattern| pattern.parse().expect("a pattern"));
        let allowed_images = Arc::new(allowed_images.collect());
        let policy = Policy { networks, allowed_images, ..Policy::default() };
        json!(input(&policy, &defaults::limits(&policy, &McpConfig::default()), has_input_dir))
    }

    #[test]
    fn every_argument_is_described() {
        let schema = schema_with(&["web"], &["python", "team/*"], false);
        let mut known = Arguments::MEMBERS.to_vec();
        known.sort_unstable();
        let properties = schema["properties"].as_object().expect("an object");
        assert_eq!(properties.keys().collect::<Vec<_>>(), known);
        assert!(properties.values().all(|property| property["description"].is_string()), "{schema}");
        assert_eq!((&schema["required"], &schema["additionalProperties"]), (&json!(["code"]), &json!(false)));
        assert_eq!(schema["properties"]["network"]["enum"], json!(["none", "web"]));
        let image = schema["properties"]["image"]["description"].as_str().expect("a description");
        assert!(image.ends_with("Allowed: docker.io/library/python, docker.io/team/*."), "{image}");
    }

    #[test]
    fn without_a_choice_of_images_there_is_no_such_argument() {
        let (mut with, without) = (schema_with(&[], &["python"], false), schema(&[]));
        assert!(with["properties"].as_object_mut().expect("an object").remove("image").is_some());
        assert_eq!(without, with);
    }

    #[test]
    fn without_networks_there_is_no_such_argument() {
        let (mut with, without) = (schema(&["web"]), schema(&[]));
        with["properties"].as_object_mut().expect("an object").remove("network");
        assert_eq!(without, with);
    }

    #[test]
    fn an_input_file_has_a_path_and_text_or_base64() {
        let file = &schema(&[])["properties"]["files"]["items"];
        let types = ["path", "content", "content_base64"].map(|name| &file["properties"][name]["type"]);
        assert_eq!(types, [&json!("string"); 3], "{file}");
        assert_eq!((&file["required"], &file["additionalProperties"]), (&json!(["path"]), &json!(false)));
    }

    #[test]
    fn an_input_file_has_a_source_only_if_there_is_an_input_directory() {
        let source =
            |has| schema_with(&[], &[], has)["properties"]["files"]["items"]["properties"]["source"].clone();
        assert_eq!((source(false), &source(true)["type"]), (Value::Null, &json!("string")));
    }

    #[test]
    fn defaults_and_bounds_are_those_of_the_settings() {
        let properties = &schema(&[])["properties"];
        let timeout = &properties["timeout_seconds"];
        assert_eq!((timeout["default"].as_f64(), timeout["maximum"].as_f64()), (Some(300.0), Some(3600.0)));
        assert_eq!((&timeout["type"], timeout["exclusiveMinimum"].as_f64()), (&json!("number"), Some(0.0)));
        assert_eq!(properties["language"]["enum"], json!(["bash", "python"]));
        let defaults =
            ["language", "args", "env", "stdin", "files", "collect"].map(|name| &properties[name]["default"]);
        assert_eq!(json!(defaults), json!(["python", [], {}, "", [], ["*"]]));
    }

    #[test]
    fn schemas_have_no_references() {
        let output = json!(output());
        assert!(!output.to_string().contains("$ref") && !schema(&["web"]).to_string().contains("$ref"));
        let [outcome, problem] = [0, 1].map(|index| &output["anyOf"][index]);
        assert_eq!(outcome["properties"]["stdout"]["properties"]["length"]["type"], "integer", "{outcome}");
        assert_eq!(problem["properties"]["retryable"]["type"], "boolean", "{problem}");
    }
}
