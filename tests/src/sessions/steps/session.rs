//! Steps that concern sessions.

use super::{SessionName, execution::requested_limits};
use crate::{
    conformance::Failure,
    sessions::expected::{ExpectedError, Range},
};
use cofferdam::core::session::{SessionRequest, SessionUpdate};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(in crate::sessions) struct Open {
    /// Its name in the case.
    #[serde(rename = "as")]
    pub(in crate::sessions) handle: SessionName,
    /// Another tenant than that of the case.
    pub(in crate::sessions) tenant: Option<String>,
    name: Option<String>,
    language: Option<String>,
    env: BTreeMap<String, String>,
    working_dir: Option<String>,
    limits: BTreeMap<String, u64>,
    metadata: BTreeMap<String, String>,
    /// Bytes of one more value of the metadata.
    metadata_bytes: usize,
    timeout_ms: Option<u64>,
    max_lifetime_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    /// The session that exists already, instead of a new one.
    pub(in crate::sessions) same_as: Option<String>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sessions) struct Update {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    metadata: Option<BTreeMap<String, String>>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Close {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// Waits until a session has ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Ends {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    /// Why, such as `expired`.
    pub(in crate::sessions) reason: String,
}

/// Compares what a session is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sessions) struct Info {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) name: Option<String>,
    pub(in crate::sessions) language: Option<String>,
    pub(in crate::sessions) working_dir: Option<String>,
    pub(in crate::sessions) metadata: Option<BTreeMap<String, String>>,
    pub(in crate::sessions) idle_timeout_ms: Option<u64>,
    /// Seconds from now.
    pub(in crate::sessions) expires_in_s: Option<Range>,
    /// Seconds from its creation to its latest end.
    pub(in crate::sessions) lifetime_s: Option<u64>,
    /// Executions that run.
    pub(in crate::sessions) executions: Option<usize>,
}

/// Waits until what a session uses is within these bounds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sessions) struct UsageWithin {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) memory_bytes: Option<Range>,
    pub(in crate::sessions) disk_bytes: Option<Range>,
    pub(in crate::sessions) processes: Option<Range>,
    pub(in crate::sessions) cpu_ms: Option<Range>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

/// Compares the list of sessions that have this metadata.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Sessions {
    pub(in crate::sessions) tenant: Option<String>,
    #[serde(default)]
    pub(in crate::sessions) metadata: BTreeMap<String, String>,
    /// Their names in the case, in the order of their creation.
    pub(in crate::sessions) are: Vec<String>,
}

/// Gets a session by its id.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Find {
    pub(in crate::sessions) tenant: Option<String>,
    /// The id of this session of the case.
    pub(in crate::sessions) of: Option<String>,
    /// An id.
    pub(in crate::sessions) id: Option<String>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

impl Open {
    /// The request.
    pub(in crate::sessions) fn request(&self) -> Result<SessionRequest, Failure> {
        let mut metadata = self.metadata.clone();
        if self.metadata_bytes > 0 {
            metadata.insert("v".to_owned(), "v".repeat(self.metadata_bytes - 1));
        }
        Ok(SessionRequest {
            name: self.name.clone(),
            language: self.language.clone(),
            limits: requested_limits(&self.limits)?,
            env: self.env.clone().into_iter().collect(),
            working_dir: self.working_dir.clone(),
            metadata,
            timeout: self.timeout_ms.map(Duration::from_millis),
            max_lifetime: self.max_lifetime_ms.map(Duration::from_millis),
            idle_timeout: self.idle_timeout_ms.map(Duration::from_millis),
            ..SessionRequest::default()
        })
    }
}

impl Update {
    /// The change.
    pub(in crate::sessions) fn update(&self) -> SessionUpdate {
        SessionUpdate {
            timeout: self.timeout_ms.map(Duration::from_millis),
            idle_timeout: self.idle_timeout_ms.map(Duration::from_millis),
            metadata: self.metadata.clone(),
        }
    }
}
