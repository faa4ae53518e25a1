//! The setting `pod_overlay`: it adds to the generated Pod and cannot weaken it.
//!
//! The merge itself is not trusted. Its result is compared with the generated Pod: everything in that must be
//! unchanged (`verify.rs`), and everything else must be on a list (`rules.rs`).

mod error;
#[cfg(any(test, fuzzing))]
pub(super) mod invariants;
mod merge;
mod path;
mod rules;
mod type_check;
mod verify;

pub(crate) use error::OverlayError;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use path::{element, field};
use serde_json::Value;
use type_check::from_json;

/// Merges the overlay into a Pod template. Pure.
///
/// # Errors
///
/// The first field that is not allowed, or that Kubernetes does not know.
pub(crate) fn apply(pod: &PodTemplateSpec, overlay: &Value) -> Result<PodTemplateSpec, OverlayError> {
    if !overlay.is_object() {
        return Err(OverlayError::NotATemplate);
    }
    let base = to_json(pod)?;
    let merged = merge::merge(&base, overlay)?;
    let result = match from_json(&merged) {
        Ok(result) => result,
        Err(problem) => {
            return Err(OverlayError::WrongType { path: type_check::find(&base, overlay), problem });
        }
    };
    // From here on, what is sent to Kubernetes is checked, not what was merged.
    let written = to_json(&result)?;
    verify::unchanged(&base, &written)?;
    same_fields(&merged, &written, "", &|path| OverlayError::UnknownField { path })?;
    same_fields(&written, &merged, "", &|path| OverlayError::MissingField { path })?;
    verify::added(&base, &written)?;
    verify::mounts(pod, &result)?;
    Ok(result)
}

fn to_json(pod: &PodTemplateSpec) -> Result<Value, OverlayError> {
    let wrong_type = |error: serde_json::Error| OverlayError::WrongType {
        path: "spec".to_owned(),
        problem: error.to_string(),
    };
    serde_json::to_value(pod).map_err(wrong_type)
}

/// Fails at the first field of `one` that `other` does not have: deserialising ignores unknown fields, and
/// adds empty required ones.
fn same_fields(
    one: &Value,
    other: &Value,
    path: &str,
    missing: &dyn Fn(String) -> OverlayError,
) -> Result<(), OverlayError> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.iter().try_for_each(|(name, value)| {
            let path = field(path, name);
            match other.get(name) {
                Some(other) => same_fields(value, other, &path, missing),
                None => Err(missing(path)),
            }
        }),
        (Value::Array(one), Value::Array(other)) => {
            one.iter().zip(other).enumerate().try_for_each(|(index, (value, other))| {
                same_fields(value, other, &element(path, index, value), missing)
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
