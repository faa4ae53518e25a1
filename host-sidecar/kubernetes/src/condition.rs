//! What the cluster's view of a Pod means for its run. Pure.

use super::manifest::CONTAINER;
use cofferdam_types::{Error, ErrorCode};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting, Pod};

/// How far a Pod has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It is on its way.
    Pending {
        /// A node has been found for it.
        scheduled: bool,
    },
    /// No node can take it now, in the scheduler's words.
    Unschedulable(String),
    /// Its container runs.
    Running,
    /// Its container has ended.
    Ended {
        /// The kernel killed it for its memory.
        out_of_memory: bool,
        /// In the kubelet's words.
        detail: String,
    },
    /// It will not run, or not go on.
    Lost(Error),
}

/// What the latest state of a Pod means.
pub(super) fn of(pod: &Pod) -> Condition {
    let status = pod.status.clone().unwrap_or_default();
    let containers = status.container_statuses.unwrap_or_default();
    let container = containers.iter().find(|container| container.name == CONTAINER);
    let state = container.and_then(|container| container.state.clone()).unwrap_or_default();
    let started = container.is_some_and(|container| container.started == Some(true)) || state.running.is_some();
    if let ContainerState { terminated: Some(terminated), .. } = state {
        let reason = terminated.reason.unwrap_or_default();
        let message = terminated.message.unwrap_or_default();
        let detail = format!("the container ended: {reason} (exit code {}) {message}", terminated.exit_code);
        return match reason.as_str() {
            "StartError" | "ContainerCannotRun" => Condition::Lost(cannot_start(&detail)),
            // The node came back without it; what it said last is gone.
            "ContainerStatusUnknown" => Condition::Lost(taken_away(&detail, false)),
            _ => Condition::Ended { out_of_memory: reason == "OOMKilled", detail },
        };
    }
    let (reason, message) = (status.reason.unwrap_or_default(), status.message.unwrap_or_default());
    let conditions = status.conditions.unwrap_or_default();
    let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    let disruption = condition("DisruptionTarget").filter(|condition| condition.status == "True");
    let is_deleted = pod.metadata.deletion_timestamp.is_some();
    if status.phase.as_deref() == Some("Failed") || is_deleted || disruption.is_some() {
        let disruption = disruption.map(|condition| condition.reason.clone().unwrap_or_default()).unwrap_or_default();
        let detail = format!("the Pod was taken away: {reason} {disruption} {message}");
        return Condition::Lost(taken_away(&detail, !started));
    }
    if let ContainerState { waiting: Some(waiting), .. } = &state
        && let Some(error) = stuck(waiting)
    {
        return Condition::Lost(error);
    }
    if state.running.is_some() {
        return Condition::Running;
    }
    match condition("PodScheduled") {
        Some(scheduled) if scheduled.status == "True" => Condition::Pending { scheduled: true },
        Some(scheduled) if scheduled.reason.as_deref() == Some("Unschedulable") => {
            Condition::Unschedulable(scheduled.message.clone().unwrap_or_default())
        }
        _ => Condition::Pending { scheduled: false },
    }
}

/// Whether the last state of a Pod shows that its container never ran. A node may have begun before it told of that.
pub(super) fn never_ran(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let mut states = statuses.into_iter().flatten().filter_map(|container| container.state.as_ref());
    pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none())
        && states.all(|state| state.running.is_none() && state.terminated.is_none())
}

/// What a container waits for in vain.
fn stuck(waiting: &ContainerStateWaiting) -> Option<Error> {
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let detail = format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default());
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => {
            let text = "the image of the sandbox cannot be had; the operator's log says why";
            Some(Error::new(ErrorCode::ImageUnavailable, text).with_detail(detail))
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "CrashLoopBackOff"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError" => Some(cannot_start(&detail)),
        _ => None,
    }
}

/// Whether only other Pods stand in the way: with some of them gone, a node that is there could take it.
///
/// The scheduler says of each node whether preemption would help, and of those where it would that it finds no victims:
/// kubernetes `pkg/scheduler/framework/preemption`.
pub(super) fn is_only_full(message: &str) -> bool {
    message.contains("No preemption victims found") || message.contains("preemption is not allowed")
}

/// No node can take it, in the scheduler's words.
pub(super) fn unschedulable(detail: &str) -> Error {
    if is_only_full(detail) {
        let text = "no node of the cluster has room for the sandbox; ask for less, or try when less is going on";
        return Error::new(ErrorCode::Unschedulable, text).with_detail(detail).retryable();
    }
    let text = "no node of the cluster is one that the sandbox may be on, or large enough for it; ask for less, or have the \
                operator look at `node_selector`, `tolerations`, `cpu_requested` and `mem_requested`";
    Error::new(ErrorCode::Unschedulable, text).with_detail(detail)
}

/// The container cannot be started.
pub(super) fn cannot_start(detail: &str) -> Error {
    let text = "the sandbox cannot be started; the operator's log says why";
    Error::new(ErrorCode::SandboxUnavailable, text).with_detail(detail)
}

/// The Pod is gone, or about to be.
pub(super) fn taken_away(detail: &str, certainly_not_started: bool) -> Error {
    let text = "the sandbox was taken away by the cluster: evicted, deleted, or its node lost";
    let error = Error::new(ErrorCode::Evicted, text).with_detail(detail);
    if certainly_not_started { error.retryable() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn condition(status: Value) -> Condition {
        of(&serde_json::from_value(json!({ "metadata": {}, "status": status })).expect("a Pod"))
    }

    fn waiting(reason: &str) -> Value {
        json!({ "phase": "Pending", "containerStatuses": [
            { "name": "runner", "image": "", "imageID": "", "ready": false, "restartCount": 0,
              "state": { "waiting": { "reason": reason, "message": "why" } } }] })
    }

    fn terminated(reason: &str, exit_code: i32) -> Value {
        json!({ "phase": "Failed", "containerStatuses": [
            { "name": "runner", "image": "", "imageID": "", "ready": false, "restartCount": 0,
              "state": { "terminated": { "reason": reason, "exitCode": exit_code } } }] })
    }

    fn code(status: Value) -> Option<ErrorCode> {
        match condition(status) {
            Condition::Lost(error) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn a_pod_on_its_way_is_pending() {
        assert_eq!(condition(json!({})), Condition::Pending { scheduled: false });
        let scheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "True" }] });
        assert_eq!(condition(scheduled), Condition::Pending { scheduled: true });
        assert_eq!(condition(waiting("ContainerCreating")), Condition::Pending { scheduled: false });
    }

    #[test]
    fn what_waits_in_vain_is_lost_by_its_name() {
        for reason in ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"] {
            assert_eq!(code(waiting(reason)), Some(ErrorCode::ImageUnavailable), "{reason}");
        }
        for reason in ["CreateContainerConfigError", "RunContainerError", "CreateContainerError"] {
            assert_eq!(code(waiting(reason)), Some(ErrorCode::SandboxUnavailable), "{reason}");
        }
        assert_eq!(code(terminated("StartError", 128)), Some(ErrorCode::SandboxUnavailable));
    }

    #[test]
    fn an_end_tells_whether_it_was_the_memorys() {
        for (reason, expected) in [("OOMKilled", true), ("Error", false), ("Completed", false)] {
            let Condition::Ended { out_of_memory, .. } = condition(terminated(reason, 137)) else { panic!("{reason}") };
            assert_eq!(out_of_memory, expected, "{reason}");
        }
    }

    #[test]
    fn a_pod_that_was_taken_away_is_evicted() {
        assert_eq!(code(json!({ "phase": "Failed", "reason": "Evicted" })), Some(ErrorCode::Evicted));
        let disrupted = json!({ "phase": "Running", "conditions": [
            { "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager" }] });
        assert_eq!(code(disrupted), Some(ErrorCode::Evicted));
    }

    #[test]
    fn only_what_no_node_was_given_certainly_never_ran() {
        let pod = |spec: Value| -> Pod {
            let waiting = waiting("ContainerCreating");
            serde_json::from_value(json!({ "metadata": {}, "spec": spec, "status": waiting })).unwrap()
        };
        assert!(never_ran(&pod(json!({ "containers": [] }))));
        assert!(!never_ran(&pod(json!({ "containers": [], "nodeName": "one" }))));
    }

    #[test]
    fn a_full_cluster_is_told_from_one_without_a_fitting_node() {
        assert!(is_only_full(
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims \
             found for incoming pod."
        ));
        assert!(!is_only_full(
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are \
             available: 1 Preemption is not helpful for scheduling."
        ));
    }
}
