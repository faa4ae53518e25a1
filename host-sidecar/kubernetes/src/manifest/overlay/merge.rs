//! Merges as a strategic merge patch of Kubernetes does, without directives.

use super::{
    error::OverlayError,
    path::{ListMerge, element, field},
};
use serde_json::{Map, Value};

/// The base with the overlay merged into it.
pub(super) fn merge(base: &Value, overlay: &Value) -> Result<Value, OverlayError> {
    let mut merged = base.clone();
    merge_into(&mut merged, overlay, "")?;
    Ok(merged)
}

fn merge_into(target: &mut Value, overlay: &Value, path: &str) -> Result<(), OverlayError> {
    match (overlay, target) {
        (Value::Object(overlay), target) => {
            let mut fields = match target.take() {
                Value::Object(fields) => fields,
                _ => Map::new(),
            };
            for (name, value) in overlay {
                let path = field(path, name);
                if name.starts_with('$') {
                    return Err(OverlayError::Directive { path });
                } else if value.is_null() {
                    fields.remove(name);
                } else {
                    merge_into(fields.entry(name).or_insert(Value::Null), value, &path)?;
                }
            }
            *target = Value::Object(fields);
        }
        (Value::Array(overlay), target) => {
            let mut elements = match (ListMerge::at(path), target.take()) {
                (ListMerge::ByKey(_) | ListMerge::Append, Value::Array(elements)) => elements,
                _ => Vec::new(),
            };
            for (index, value) in overlay.iter().enumerate() {
                add(&mut elements, value, path, index)?;
            }
            *target = Value::Array(elements);
        }
        (value, target) => *target = value.clone(),
    }
    Ok(())
}

fn add(elements: &mut Vec<Value>, value: &Value, path: &str, index: usize) -> Result<(), OverlayError> {
    let list = ListMerge::at(path);
    let path = element(path, index, value);
    if let ListMerge::ByKey(key) = list {
        if list.key(value).is_none() {
            return Err(OverlayError::MissingField { path: field(&path, key) });
        }
        if let Some(existing) = elements.iter_mut().find(|other| list.key(other) == list.key(value)) {
            return merge_into(existing, value, &path);
        }
    }
    let mut new = Value::Null;
    merge_into(&mut new, value, &path)?;
    if list != ListMerge::Append || !elements.contains(&new) {
        elements.push(new);
    }
    Ok(())
}
