//! What is created for a run: a Job around the Pod, or the Pod itself.

use super::Identity;
use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Pod, PodTemplateSpec},
};
use std::time::Duration;

/// How long the cluster keeps a Job that has ended. We delete it long before; this is for when we cannot.
pub(in super::super) const TTL: Duration = Duration::from_secs(60);

/// A Job that makes one Pod, once.
pub(in super::super) fn job(identity: &Identity, template: PodTemplateSpec, deadline: Duration) -> Job {
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

/// The Pod alone.
pub(in super::super) fn pod(identity: &Identity, template: PodTemplateSpec, deadline: Duration) -> Pod {
    let mut metadata = identity.metadata(identity.id.clone(), None);
    let of_template = template.metadata.unwrap_or_default();
    metadata.labels.get_or_insert_default().extend(of_template.labels.unwrap_or_default());
    metadata.annotations.get_or_insert_default().extend(of_template.annotations.unwrap_or_default());
    let mut spec = template.spec.unwrap_or_default();
    spec.active_deadline_seconds = Some(seconds(deadline));
    Pod { metadata, spec: Some(spec), status: None }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
