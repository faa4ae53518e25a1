//! The Job of an execution, or its bare Pod.

use super::identity::Identity;
use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Pod, PodTemplateSpec},
};
use std::time::Duration;

/// Time after which the cluster deletes a finished Job, in case the sidecar could not.
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// A Job that creates one Pod, once.
pub(crate) fn job(identity: &Identity, template: PodTemplateSpec, deadline: Duration) -> Job {
    Job {
        metadata: identity.metadata(identity.id.clone(), None),
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            completions: Some(1),
            parallelism: Some(1),
            active_deadline_seconds: Some(seconds(deadline)),
            ttl_seconds_after_finished: i32::try_from(TTL.as_secs()).ok(),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// The bare Pod.
pub(crate) fn pod(identity: &Identity, template: PodTemplateSpec, deadline: Duration) -> Pod {
    let mut metadata = identity.metadata(identity.id.clone(), None);
    let template_metadata = template.metadata.unwrap_or_default();
    metadata.labels.get_or_insert_default().extend(template_metadata.labels.unwrap_or_default());
    metadata.annotations.get_or_insert_default().extend(template_metadata.annotations.unwrap_or_default());
    let mut spec = template.spec.unwrap_or_default();
    spec.active_deadline_seconds = Some(seconds(deadline));
    Pod { metadata, spec: Some(spec), status: None }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
