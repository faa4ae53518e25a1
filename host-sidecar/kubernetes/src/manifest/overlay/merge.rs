//! Merging in the manner of a strategic merge patch of Kubernetes.

use super::{OverlayError, element, field};
use serde_json::{Map, Value};

/// How two lists become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Elements with the same value of this field are the same element.
    Keyed(&'static str),
    /// What is not there yet is appended.
    Set,
    /// The later one replaces the earlier one.
    Whole,
}

impl List {
    /// The kind of the list at a path. No two lists of a Pod have the same name and are of different kinds.
    pub(super) fn at(path: &str) -> Self {
        match path.rsplit('.').next().unwrap_or_default() {
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "env"
            | "imagePullSecrets"
            | "resourceClaims"
            | "claims" => Self::Keyed("name"),
            "volumeMounts" => Self::Keyed("mountPath"),
            "volumeDevices" => Self::Keyed("devicePath"),
            "ports" => Self::Keyed("containerPort"),
            "hostAliases" => Self::Keyed("ip"),
            "tolerations" | "topologySpreadConstraints" => Self::Set,
            _ => Self::Whole,
        }
    }

    /// What identifies an element.
    pub(super) fn key(self, element: &Value) -> Option<&Value> {
        match self {
            Self::Keyed(key) => element.get(key).filter(|key| !key.is_null()),
            Self::Set | Self::Whole => None,
        }
    }

    /// The one among these elements that this one is the same as.
    pub(super) fn same<'a>(self, elements: &'a [Value], element: &Value) -> Option<&'a Value> {
        elements.iter().find(|there| match self.key(element) {
            Some(key) => self.key(there) == Some(key),
            None => *there == element,
        })
    }
}

/// The base with the overlay in it.
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
            let mut elements = match (List::at(path), target.take()) {
                (List::Keyed(_) | List::Set, Value::Array(elements)) => elements,
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
    let list = List::at(path);
    let path = element(path, index, value);
    if let List::Keyed(key) = list {
        if list.key(value).is_none() {
            return Err(OverlayError::Missing { path: field(&path, key) });
        }
        if let Some(there) = elements.iter_mut().find(|there| list.key(there) == list.key(value)) {
            return merge_into(there, value, &path);
        }
    }
    let mut new = Value::Null;
    merge_into(&mut new, value, &path)?;
    if list != List::Set || !elements.contains(&new) {
        elements.push(new);
    }
    Ok(())
}
