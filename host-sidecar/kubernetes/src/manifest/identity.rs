//! The labels and annotations of an execution's objects.

use super::process::Process;
use cofferdam_core::new_id;
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Label and value of every object that an execution creates, and of the shared runner.
pub(crate) const MANAGED_BY_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "cofferdam");
/// Label: the id of the execution.
pub(crate) const EXECUTION_LABEL: &str = "cofferdam.dev/run";
/// Label: the sidecar that created the object.
pub(crate) const SIDECAR_LABEL: &str = "cofferdam.dev/sidecar";
/// Label of Pods: the name of the network.
pub(crate) const NETWORK_LABEL: &str = "cofferdam.dev/network";
/// Label: the id of the session in logs.
const SESSION_LABEL: &str = "cofferdam.dev/session";
/// Label: a hash of the tenant of a session.
const TENANT_LABEL: &str = "cofferdam.dev/tenant";
/// Annotation of Pods: whether an autoscaler may evict it to remove its node.
const SAFE_TO_EVICT_ANNOTATION: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// Annotation: the time after which the object is garbage.
pub(crate) const EXPIRES_ANNOTATION: &str = "cofferdam.dev/expires";
/// Annotation: the process that created the object.
pub(crate) const PROCESS_ANNOTATION: &str = "cofferdam.dev/process";
/// Prefix of the annotations that hold a request's labels.
const REQUEST_PREFIX: &str = "request.cofferdam.dev/";

/// What the objects of one execution have in common.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The id of the execution.
    pub(crate) id: String,
    /// The id of the sidecar.
    pub(crate) sidecar: String,
    /// The labels of the request.
    pub(crate) labels: Vec<(String, String)>,
    /// The time after which the objects are garbage.
    pub(crate) expires: Timestamp,
    /// The process that creates the objects.
    pub(crate) process: Process,
}

impl Identity {
    /// The identity of objects that this process creates.
    pub(crate) fn new(
        id: &str,
        sidecar: &str,
        labels: &[(String, String)],
        created_at: Timestamp,
        lifetime: Duration,
    ) -> Self {
        let expires = created_at.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        Self {
            id: id.to_owned(),
            sidecar: sidecar.to_owned(),
            labels: labels.to_vec(),
            // Whole seconds are exact enough, and easier to read.
            expires: expires.round(Unit::Second).unwrap_or(expires),
            process: Process::current().clone(),
        }
    }

    /// The identity of objects that are never created.
    pub(crate) fn placeholder() -> Self {
        Self::new(&new_id(), "", &[], Timestamp::now(), Duration::ZERO)
    }

    /// The labels of all objects.
    pub(super) fn object_labels(&self) -> BTreeMap<String, String> {
        [
            (MANAGED_BY_LABEL.0, MANAGED_BY_LABEL.1),
            (EXECUTION_LABEL, &self.id),
            (SIDECAR_LABEL, &self.sidecar),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    /// The annotations of all objects.
    pub(super) fn object_annotations(&self) -> BTreeMap<String, String> {
        let own = [
            (EXPIRES_ANNOTATION.to_owned(), self.expires.to_string()),
            (PROCESS_ANNOTATION.to_owned(), self.process.to_string()),
        ];
        let requested =
            self.labels.iter().map(|(key, value)| (format!("{REQUEST_PREFIX}{key}"), value.clone()));
        own.into_iter().chain(requested).collect()
    }

    /// The metadata of one object.
    pub(super) fn metadata(&self, name: String, owner: Option<OwnerReference>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            labels: Some(self.object_labels()),
            annotations: Some(self.object_annotations()),
            owner_references: owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        }
    }
}

/// What the objects of a sandbox have in addition once it is a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionMetadata {
    /// The id of the session in logs.
    pub(crate) session: String,
    /// The tenant; none: there is only one.
    pub(crate) tenant: Option<Arc<str>>,
    /// The time after which the objects are garbage.
    pub(crate) expires: Timestamp,
    /// The process that has the session.
    pub(crate) process: Process,
}

impl SessionMetadata {
    /// A patch of an object's metadata.
    pub(crate) fn patch(&self) -> Value {
        let mut labels = Map::from_iter([(SESSION_LABEL.to_owned(), self.session.clone().into())]);
        // A tenant's name may be personal, and need not be a valid label.
        labels.extend(self.tenant.iter().map(|tenant| (TENANT_LABEL.to_owned(), tenant_hash(tenant).into())));
        json!({
            "labels": labels,
            "annotations": {
                EXPIRES_ANNOTATION: self.expires.to_string(),
                PROCESS_ANNOTATION: self.process.to_string(),
                SAFE_TO_EVICT_ANNOTATION: "false",
            },
        })
    }
}

/// Half of the digest is unique enough, and short enough for a label.
fn tenant_hash(tenant: &str) -> String {
    format!("{:x}", Sha256::digest(tenant)).chars().take(32).collect()
}
