//! What creates a session, and what changes one.

use crate::{
    bounded::{BoundedMap, BoundedString, Integer},
    object::{Object, ObjectSeed, object, optional},
    request::ENV,
};
use alloc::{collections::BTreeMap, string::String};
use cofferdam_types::{
    RequestedLimits,
    validation::{MAX_IMAGE, MAX_NAME},
};
use serde::{Deserialize, Deserializer, Serialize, de::MapAccess};

/// Maximum bytes of a session's metadata, names and values together.
pub const MAX_METADATA: usize = 16 << 10;
/// Maximum bytes of a session's own name.
const MAX_SESSION_NAME: usize = 128;
/// Maximum bytes of a working directory: PATH_MAX.
pub(super) const MAX_DIRECTORY: usize = 4096;
const METADATA: BoundedMap = BoundedMap {
    name: BoundedString::content(MAX_METADATA),
    value: BoundedString::content(MAX_METADATA),
    max: 1024,
    unit: "members",
};

/// A session, which is a sandbox that is kept. Every member is optional. The operator's settings supply defaults and
/// ceilings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRequest {
    /// The caller's own name for it: 1 to 128 letters, digits, `.`, `_` and `-`. If the caller has a session with this
    /// name, that one is returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._-]{1,128}$"))]
    pub name: Option<String>,
    /// A language that the operator has configured: its image is that of the sandbox. Default: `python`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 63))]
    pub language: Option<String>,
    /// An image that the operator allows requests to choose. Default: that of the language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 520))]
    pub image: Option<String>,
    /// A network profile that the operator has configured. Default: `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 63))]
    pub network: Option<String>,
    /// Limits of the sandbox; those of wall time and output are the defaults of its executions.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub limits: RequestedLimits,
    /// Environment variables of every execution: at most 1,024, at most 128 KiB in total.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub env: BTreeMap<String, String>,
    /// The working directory of every execution, which is made. Default: `/work`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub working_dir: Option<String>,
    /// The caller's own data, by which a list can be filtered: at most 16 KiB in total.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub metadata: BTreeMap<String, String>,
    /// Milliseconds from now after which the session ends. It can be moved later. Default: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Milliseconds from now after which the session ends in any case. Default and ceiling: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime_ms: Option<u64>,
    /// Milliseconds without an execution and without a request after which the session ends. Default and ceiling: the
    /// operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
}

impl<'de> Deserialize<'de> for SessionRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for SessionRequest {
    const MEMBERS: &'static [&'static str] = &[
        "name",
        "language",
        "image",
        "network",
        "limits",
        "env",
        "working_dir",
        "metadata",
        "timeout_ms",
        "max_lifetime_ms",
        "idle_timeout_ms",
    ];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = optional(map, BoundedString::name(MAX_SESSION_NAME))?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "image" => self.image = optional(map, BoundedString::name(MAX_IMAGE))?,
            "network" => self.network = optional(map, BoundedString::name(MAX_NAME))?,
            "limits" => self.limits = optional(map, ObjectSeed::new())?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "working_dir" => self.working_dir = optional(map, BoundedString::name(MAX_DIRECTORY))?,
            "metadata" => self.metadata = optional(map, METADATA)?.unwrap_or_default(),
            "timeout_ms" => self.timeout_ms = optional(map, Integer::new())?,
            "max_lifetime_ms" => self.max_lifetime_ms = optional(map, Integer::new())?,
            _ => self.idle_timeout_ms = optional(map, Integer::new())?,
        }
        Ok(())
    }
}

/// A change of a session. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionUpdate {
    /// Milliseconds from now after which the session ends: earlier or later than before, at most its maximum lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Milliseconds without an execution and without a request after which the session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// Replaces all metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

impl<'de> Deserialize<'de> for SessionUpdate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for SessionUpdate {
    const MEMBERS: &'static [&'static str] = &["timeout_ms", "idle_timeout_ms", "metadata"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timeout_ms" => self.timeout_ms = optional(map, Integer::new())?,
            "idle_timeout_ms" => self.idle_timeout_ms = optional(map, Integer::new())?,
            _ => self.metadata = optional(map, METADATA)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    #[test]
    fn null_means_absent() {
        let members = |names: &[&str]| {
            let members = names.iter().map(|name| format!(r#""{name}":null"#));
            format!("{{{}}}", members.collect::<alloc::vec::Vec<_>>().join(","))
        };
        let request = serde_json::from_str::<SessionRequest>(&members(SessionRequest::MEMBERS));
        assert_eq!(request.expect("a request"), SessionRequest::default());
        let update = serde_json::from_str::<SessionUpdate>(&members(SessionUpdate::MEMBERS));
        assert_eq!(update.expect("an update"), SessionUpdate::default());
    }

    #[test]
    fn a_request_survives_a_round_trip() {
        let json = r#"{"name":"a","limits":{"memory_bytes":1},"env":{"A":"b"},"metadata":{"k":"v"},"idle_timeout_ms":5}"#;
        let request: SessionRequest = serde_json::from_str(json).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("JSON"), json);
    }

    #[test]
    fn every_member_is_bounded() {
        let long = "x".repeat(MAX_METADATA + 1);
        for (json, part) in [
            (format!(r#"{{"name":"{}""#, "x".repeat(129)), "name: a name is longer than 128 bytes"),
            (format!(r#"{{"metadata":{{"a":"{long}""#), "metadata: too large: at most 16384 bytes"),
            (format!(r#"{{"working_dir":"{long}""#), "working_dir: a name is longer than 4096 bytes"),
            (r#"{"timeout_ms":"5"}"#.to_string(), "timeout_ms: invalid type: string"),
            (r#"{"timeout":5}"#.to_string(), "unknown field `timeout`"),
        ] {
            let error = serde_json::from_str::<SessionRequest>(&json).expect_err("refused").to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
