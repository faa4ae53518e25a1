//! What the objects of a run are known by.

use super::super::process::Process;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;

/// Label whose value says that an object is ours.
pub(in super::super) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "cofferdam");
/// Label: the run that an object belongs to.
pub(in super::super) const RUN: &str = "cofferdam.dev/run";
/// Label: the sidecar whose run it is.
pub(in super::super) const SIDECAR: &str = "cofferdam.dev/sidecar";
/// Label of Pods: the network profile.
pub(in super::super) const NETWORK: &str = "cofferdam.dev/network";
/// Annotation: after this time nobody wants the object any longer.
pub(in super::super) const EXPIRES: &str = "cofferdam.dev/expires";
/// Annotation: the process that made the object.
pub(in super::super) const PROCESS: &str = "cofferdam.dev/process";
/// Starts the annotations that hold a request's labels.
const REQUEST: &str = "request.cofferdam.dev/";

/// What all objects of one run share.
#[derive(Debug, Clone)]
pub(in super::super) struct Identity {
    /// Of the run.
    pub(in super::super) id: String,
    /// Of the sidecar.
    pub(in super::super) sidecar: String,
    /// Whose run it is.
    pub(in super::super) labels: Vec<(String, String)>,
    /// After this time nobody wants the run any longer.
    pub(in super::super) expires: Timestamp,
    /// This process.
    pub(in super::super) process: Process,
}

impl Identity {
    /// The labels that all objects of the run have.
    pub(super) fn object_labels(&self) -> BTreeMap<String, String> {
        [(MANAGED_BY.0, MANAGED_BY.1), (RUN, &self.id), (SIDECAR, &self.sidecar)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// The annotations that all objects of the run have.
    pub(super) fn object_annotations(&self) -> BTreeMap<String, String> {
        let own = [(EXPIRES.to_owned(), self.expires.to_string()), (PROCESS.to_owned(), self.process.to_string())];
        let requested = self.labels.iter().map(|(key, value)| (format!("{REQUEST}{key}"), value.clone()));
        own.into_iter().chain(requested).collect()
    }

    /// The metadata of one object of the run.
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
