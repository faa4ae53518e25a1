//! The paths of fields and elements, and how the list at a path is merged.

use serde_json::Value;

/// How two lists are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListMerge {
    /// Elements with the same value of this field are merged.
    ByKey(&'static str),
    /// New elements are appended.
    Append,
    /// The overlay's list replaces the other.
    Replace,
}

impl ListMerge {
    /// How the list at a path is merged. Lists of a Pod with the same name are merged in the same way.
    pub(super) fn at(path: &str) -> Self {
        match path.rsplit('.').next().unwrap_or_default() {
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "env"
            | "imagePullSecrets"
            | "resourceClaims"
            | "claims" => Self::ByKey("name"),
            "volumeMounts" => Self::ByKey("mountPath"),
            "volumeDevices" => Self::ByKey("devicePath"),
            "ports" => Self::ByKey("containerPort"),
            "hostAliases" => Self::ByKey("ip"),
            "tolerations" | "topologySpreadConstraints" => Self::Append,
            _ => Self::Replace,
        }
    }

    /// What identifies an element.
    pub(super) fn key(self, element: &Value) -> Option<&Value> {
        match self {
            Self::ByKey(key) => element.get(key).filter(|key| !key.is_null()),
            Self::Append | Self::Replace => None,
        }
    }

    /// The one among these elements that is merged with this one.
    pub(super) fn same<'a>(self, elements: &'a [Value], element: &Value) -> Option<&'a Value> {
        elements.iter().find(|other| match self.key(element) {
            Some(key) => self.key(other) == Some(key),
            None => *other == element,
        })
    }
}

/// The path of a field. Names with special characters, such as those of labels, are in brackets.
pub(super) fn field(path: &str, name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "$_-".contains(letter));
    match (plain, path) {
        (true, "") => name.to_owned(),
        (true, _) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name}]"),
    }
}

/// The path of an element of a list: its key, else its index.
pub(super) fn element(path: &str, index: usize, value: &Value) -> String {
    match ListMerge::at(path).key(value) {
        Some(Value::String(key)) => format!("{path}[{key}]"),
        Some(key) => format!("{path}[{key}]"),
        None => format!("{path}[{index}]"),
    }
}
