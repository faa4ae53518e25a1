//! Makes the objects of a Pod those of a session, before its runner gets the first message of it.

use crate::{
    api::{RequestError, error, error::is_transient, server_time::ServerTime, with_deadline},
    config::Workload,
    connection::Cluster,
    manifest::{Process, SessionMetadata},
};
use backon::{ExponentialBuilder, Retryable};
use cofferdam_core::SessionClaim;
use cofferdam_types::{Error, ErrorCode};
use jiff::{SignedDuration, Timestamp};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt::Debug, time::Duration};
use tokio::time::Instant;

/// Time limit of all attempts.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much later than the sidecar and the runner the cluster ends a session.
pub(crate) const SESSION_SLACK: Duration = Duration::from_secs(90);
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(50))
    .with_max_delay(Duration::from_secs(1))
    .without_max_times();

/// What is known of the objects of a Pod.
#[derive(Debug)]
pub(crate) struct Objects<'a> {
    pub(crate) workload: Workload,
    /// The id, which is the name of the workload.
    pub(crate) id: &'a str,
    pub(crate) pod: &'a str,
    /// When they were created, on the cluster's clock.
    pub(crate) created_at: Timestamp,
    /// Time from then until the cluster ends the workload.
    pub(crate) deadline: Duration,
}

/// The proof that a Pod's objects are those of a session.
#[derive(Debug)]
pub(crate) struct Claimed(());

/// The changes of a claim. Pure.
#[derive(Debug, PartialEq)]
struct Changes {
    workload: Value,
    /// Where the Pod is not the workload.
    pod: Option<Value>,
}

impl Objects<'_> {
    /// Changes them. Until that is confirmed, they are those of an unused Pod, and are deleted as such.
    pub(crate) async fn claim(&self, cluster: &Cluster, claim: &SessionClaim) -> Result<Claimed, Error> {
        let changes = self.changes(claim, &cluster.server_time)?;
        let deadline = Instant::now() + TIMEOUT;
        let claimed = match (self.workload, &changes.pod) {
            (Workload::Job, Some(pod)) => {
                let job = patch(&cluster.jobs, self.id, &changes.workload, deadline);
                tokio::try_join!(job, patch(&cluster.pods, self.pod, pod, deadline)).map(drop)
            }
            _ => patch(&cluster.pods, self.pod, &changes.workload, deadline).await,
        };
        claimed.map_err(|error| error::from_request("claim the Pod for a session", &error, false))?;
        Ok(Claimed(()))
    }

    fn changes(&self, claim: &SessionClaim, clock: &ServerTime) -> Result<Changes, Error> {
        let (now, lifetime) = (clock.now(), claim.max_lifetime.saturating_add(SESSION_SLACK));
        let age = Duration::try_from(now.duration_since(self.created_at)).unwrap_or_default();
        let wanted = age.saturating_add(lifetime);
        // A Pod's deadline can only be lowered, a Job's can be moved.
        if self.workload == Workload::Pod && wanted > self.deadline {
            let text = "the sandbox ends before the session may; ask for a shorter maximum lifetime";
            let detail = format!("the deadline of the Pod is {:?} after its creation", self.deadline);
            return Err(Error::new(ErrorCode::SandboxUnavailable, text).with_detail(detail).retryable());
        }
        let metadata = SessionMetadata {
            session: claim.log_id.clone(),
            tenant: claim.tenant.clone(),
            expires: expiry(now, lifetime),
            process: Process::current().clone(),
        }
        .patch();
        let workload = json!({
            "metadata": metadata,
            "spec": { "activeDeadlineSeconds": i64::try_from(wanted.as_secs()).unwrap_or(i64::MAX) },
        });
        let pod = (self.workload == Workload::Job).then(|| json!({ "metadata": metadata }));
        Ok(Changes { workload, pod })
    }
}

/// In whole seconds, which are easier to read.
fn expiry(now: Timestamp, lifetime: Duration) -> Timestamp {
    let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
    let expires = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    Timestamp::from_second(expires.as_second()).unwrap_or(expires)
}

/// Patches an object. A patch that was applied already changes nothing.
async fn patch<K>(api: &Api<K>, name: &str, change: &Value, deadline: Instant) -> Result<(), RequestError>
where
    K: Clone + DeserializeOwned + Debug,
{
    let (params, change) = (PatchParams::default(), Patch::Merge(change));
    (|| with_deadline(deadline, api.patch_metadata(name, &params, &change)))
        .retry(RETRY)
        .when(|error| is_transient(error) && Instant::now() < deadline)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(workload: Workload, max_lifetime: Duration, tenant: Option<&str>) -> Result<Changes, Error> {
        let clock = ServerTime::default();
        let created_at = clock.now() - SignedDuration::from_secs(100);
        let deadline = Duration::from_secs(1000);
        let objects = Objects { workload, id: "run-0", pod: "run-0-x", created_at, deadline };
        let claim = SessionClaim { log_id: "run-1".into(), tenant: tenant.map(Into::into), max_lifetime };
        objects.changes(&claim, &clock)
    }

    #[test]
    fn the_job_gets_the_deadline_and_both_objects_the_owner() {
        let Changes { workload, pod } =
            changes(Workload::Job, Duration::from_secs(5000), Some("Ann ✓")).expect("changes");
        let seconds = workload["spec"]["activeDeadlineSeconds"].as_i64().expect("a deadline");
        assert!((5190..5192).contains(&seconds), "{seconds}");
        let pod = pod.expect("a Pod");
        assert_eq!((&pod["metadata"], pod.get("spec")), (&workload["metadata"], None));
        let labels = &pod["metadata"]["labels"];
        assert_eq!(labels["cofferdam.dev/session"], "run-1");
        let tenant = labels["cofferdam.dev/tenant"].as_str().expect("a label");
        assert!(tenant.len() == 32 && tenant.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let annotations = &pod["metadata"]["annotations"];
        assert_eq!(annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"], "false");
        assert_eq!(annotations["cofferdam.dev/process"], Process::current().to_string());
    }

    #[test]
    fn a_pod_that_ends_too_early_cannot_be_a_session() {
        let refused = changes(Workload::Pod, Duration::from_secs(5000), None).expect_err("an error");
        assert!(refused.retryable);
        let Changes { workload, pod } =
            changes(Workload::Pod, Duration::from_secs(500), None).expect("changes");
        assert_eq!(pod, None);
        assert!(workload["spec"]["activeDeadlineSeconds"].as_i64().expect("a deadline") < 1000);
        assert_eq!(workload["metadata"]["labels"].get("cofferdam.dev/tenant"), None);
    }
}
