//! The operator's own additions to the Pod of a run: they may add to it and never weaken it.
//!
//! Merging is trusted with nothing. What comes of it is held against the generated Pod: all of that has to be in there
//! unchanged (`verify.rs`), and what is there beside it has to be on a list (`rules.rs`).

#[cfg(any(test, fuzzing))]
pub(super) mod hardened;
mod merge;
mod misfit;
mod rules;
mod verify;

use self::merge::List;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

/// An overlay that cannot be used. The message names the field; which setting it is in, the caller says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverlayError {
    /// Not even a table.
    #[error("it is not a table in the shape of a Pod template, with `metadata` and `spec`")]
    NoTemplate,
    /// A directive of a strategic merge patch.
    #[error("`{path}` is a directive of a patch, and there are none here: an overlay can only add")]
    Directive {
        /// The directive.
        path: String,
    },
    /// A field that Kubernetes does not have, most likely misspelt.
    #[error("`{path}` is not a field of a Pod")]
    Unknown {
        /// The field.
        path: String,
    },
    /// A field that Kubernetes asks for.
    #[error("`{path}` is missing")]
    Missing {
        /// The field.
        path: String,
    },
    /// A value that is not of the field's kind.
    #[error("`{path}` has a value that does not fit there: {problem}")]
    Misfit {
        /// The field.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A field of the generated Pod would be another, or gone.
    #[error("`{path}` is the sandbox's own and may not be changed")]
    Changed {
        /// The field.
        path: String,
    },
    /// A field that an overlay may not add.
    #[error("`{path}` may not be set: {reason}")]
    Refused {
        /// The field.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// Merges the operator's overlay into a Pod template. Pure.
///
/// # Errors
///
/// What the overlay may not do or what Kubernetes would not understand, by the name of the field.
pub(crate) fn apply(pod: &PodTemplateSpec, overlay: &Value) -> Result<PodTemplateSpec, OverlayError> {
    if !overlay.is_object() {
        return Err(OverlayError::NoTemplate);
    }
    let base = written(pod)?;
    let merged = merge::merge(&base, overlay)?;
    let result = match read(&merged) {
        Ok(result) => result,
        Err(problem) => return Err(OverlayError::Misfit { path: misfit::find(&base, overlay), problem }),
    };
    // From here on only what Kubernetes will be told counts, not what was merged.
    let written = written(&result)?;
    verify::kept(&base, &written)?;
    same_fields(&merged, &written, "", &|path| OverlayError::Unknown { path })?;
    same_fields(&written, &merged, "", &|path| OverlayError::Missing { path })?;
    verify::added(&base, &written)?;
    verify::mounts(pod, &result)?;
    Ok(result)
}

fn written(pod: &PodTemplateSpec) -> Result<Value, OverlayError> {
    let misfit =
        |error: serde_json::Error| OverlayError::Misfit { path: "spec".to_owned(), problem: error.to_string() };
    serde_json::to_value(pod).map_err(misfit)
}

fn read(template: &Value) -> Result<PodTemplateSpec, String> {
    serde_json::from_value(template.clone()).map_err(|error| error.to_string())
}

/// Fails at the first field of one that the other does not have: reading ignores fields that it does not know, and
/// makes up empty ones for those that it needs.
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

/// The path of a field in an object; names that are not plain, such as those of labels, are in brackets.
fn field(path: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "$_-".contains(letter));
    match (plain, path) {
        (true, "") => name.to_owned(),
        (true, _) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name}]"),
    }
}

/// The path of an element of a list: by what identifies it, else by its place.
fn element(path: &str, index: usize, value: &Value) -> String {
    match List::at(path).key(value) {
        Some(Value::String(key)) => format!("{path}[{key}]"),
        Some(key) => format!("{path}[{key}]"),
        None => format!("{path}[{index}]"),
    }
}

#[cfg(test)]
mod tests;
