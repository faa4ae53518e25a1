//! Finds the value of the wrong type in an overlay: the error of deserialising says what is wrong, but not
//! where.

use super::{
    merge,
    path::{element, field},
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

/// Deserialises a Pod template.
pub(super) fn from_json(template: &Value) -> Result<PodTemplateSpec, String> {
    serde_json::from_value(template.clone()).map_err(|error| error.to_string())
}

/// Whether the Pod with a part of the overlay can be deserialised.
enum Outcome {
    Valid,
    Invalid,
    /// An element has lost its key, so that nothing is known about its values.
    Unknown,
}

/// The path of the first value of the wrong type.
pub(super) fn find(base: &Value, overlay: &Value) -> String {
    find_in(overlay, "", &|part| match merge::merge(base, &part) {
        Ok(merged) if from_json(&merged).is_ok() => Outcome::Valid,
        Ok(_) => Outcome::Invalid,
        Err(_) => Outcome::Unknown,
    })
}

/// Removes one child after the other, from the last one on. As soon as the rest is valid, the removed child
/// is the one.
fn find_in(value: &Value, path: &str, outcome: &dyn Fn(Value) -> Outcome) -> String {
    match value {
        Value::Object(fields) => {
            let mut rest = fields.clone();
            for (name, child) in fields.iter().rev() {
                rest.remove(name);
                match outcome(rest.clone().into()) {
                    Outcome::Invalid => {}
                    Outcome::Unknown => drop(rest.insert(name.clone(), child.clone())),
                    Outcome::Valid => {
                        return find_in(child, &field(path, name), &|child| {
                            let mut fields = rest.clone();
                            fields.insert(name.clone(), child);
                            outcome(fields.into())
                        });
                    }
                }
            }
        }
        Value::Array(elements) => {
            for (index, child) in elements.iter().enumerate().rev() {
                let rest = elements.iter().take(index).cloned();
                if let Outcome::Valid = outcome(rest.clone().collect()) {
                    let with = |child| outcome(rest.clone().chain([child]).collect());
                    return find_in(child, &element(path, index, child), &with);
                }
            }
        }
        _ => {}
    }
    path.to_owned()
}
