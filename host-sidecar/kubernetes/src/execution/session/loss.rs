//! Why the sandbox of a session is gone.

use crate::{
    connection::Cluster,
    watch::{ObservedPod, PodStatus, Subscription, pod_status},
};
use cofferdam_core::session::LostReason;
use std::time::Duration;
use tokio::time::timeout;

/// For how long the Pod's last status may be later than the end of the connection. A node that does not answer is
/// noticed by its cluster later.
const STATUS_TIMEOUT: Duration = Duration::from_secs(4);

/// Waits for the last status of the Pod, and gives the reason.
pub(super) async fn loss(cluster: &Cluster, id: &str, pods: &mut Subscription<ObservedPod>) -> LostReason {
    cluster.pod_watch.start();
    match cluster.get_pod(id).await {
        Ok(pod) => pods.set(pod),
        Err(error) => tracing::debug!(id, %error, "the Pod could not be requested"),
    }
    let ended = timeout(STATUS_TIMEOUT, async {
        while !pods.latest().has_ended() {
            pods.changed().await;
        }
    });
    // After the time limit, the latest observed status counts.
    let _ = ended.await;
    let observed = pods.latest();
    tracing::debug!(id, status = ?observed.pod.as_deref().map(pod_status::of), "the sandbox of a session is gone");
    reason(&observed)
}

fn reason(observed: &ObservedPod) -> LostReason {
    let removed = if observed.is_deleted { LostReason::Evicted } else { LostReason::NotResponding };
    let Some(pod) = observed.pod.as_deref() else { return removed };
    let status = pod_status::of(pod);
    match status {
        PodStatus::Terminated { out_of_memory: true, .. } => LostReason::OutOfMemory,
        _ if pod_status::has_lost_its_node(pod) => LostReason::NodeLost,
        // The runner ends itself when its Pod is removed.
        _ if pod_status::is_being_removed(pod) => LostReason::Evicted,
        PodStatus::Terminated { .. } | PodStatus::Failed(_) => LostReason::RunnerGone,
        PodStatus::Pending { .. } | PodStatus::Unschedulable(_) | PodStatus::Running => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn reason_of(metadata: Value, status: Value, is_deleted: bool) -> LostReason {
        let pod = serde_json::from_value(json!({ "metadata": metadata, "status": status })).expect("a Pod");
        reason(&ObservedPod { pod: Some(Arc::new(pod)), is_deleted, never_ran: false })
    }

    fn container(state: Value) -> Value {
        json!([{ "name": "runner", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state }])
    }

    fn terminated(reason: &str) -> Value {
        let state = json!({ "terminated": { "reason": reason, "exitCode": 137 } });
        json!({ "phase": "Failed", "containerStatuses": container(state) })
    }

    fn running(conditions: Value) -> Value {
        let state = json!({ "running": {} });
        json!({ "phase": "Running", "containerStatuses": container(state), "conditions": conditions })
    }

    #[test]
    fn the_reason_is_that_of_the_cluster() {
        let deleted = json!({ "deletionTimestamp": "2030-01-01T00:00:00Z" });
        let disrupted = |reason: &str| {
            running(json!([{ "type": "DisruptionTarget", "status": "True", "reason": reason }]))
        };
        for (metadata, status, is_deleted, expected) in [
            (json!({}), terminated("OOMKilled"), false, LostReason::OutOfMemory),
            (json!({}), terminated("Error"), false, LostReason::RunnerGone),
            (deleted.clone(), terminated("Completed"), false, LostReason::Evicted),
            (deleted, running(json!([])), false, LostReason::Evicted),
            (json!({}), json!({ "phase": "Failed", "reason": "Evicted" }), false, LostReason::Evicted),
            (json!({}), disrupted("EvictionByEvictionAPI"), false, LostReason::Evicted),
            (json!({}), disrupted("DeletionByTaintManager"), false, LostReason::NodeLost),
            (json!({}), disrupted("DeletionByPodGC"), false, LostReason::NodeLost),
            (json!({}), terminated("ContainerStatusUnknown"), false, LostReason::NodeLost),
            (json!({}), running(json!([])), true, LostReason::Evicted),
            (json!({}), running(json!([])), false, LostReason::NotResponding),
        ] {
            assert_eq!(reason_of(metadata, status.clone(), is_deleted), expected, "{status}");
        }
        let never_observed = |is_deleted| ObservedPod { is_deleted, ..ObservedPod::default() };
        assert_eq!(reason(&never_observed(true)), LostReason::Evicted);
        assert_eq!(reason(&never_observed(false)), LostReason::NotResponding);
    }
}
