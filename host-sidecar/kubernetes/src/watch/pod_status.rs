//! What the status of a Pod means for its execution. Pure.

use crate::manifest::CONTAINER;
use cofferdam_types::{Error, ErrorCode};
use k8s_openapi::api::core::v1::{
    ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod, PodCondition, PodStatus as Status,
};

/// The state of a sandbox by its Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PodStatus {
    /// The container has not started yet.
    Pending {
        /// A node is assigned.
        scheduled: bool,
    },
    /// No node can take the Pod now: the scheduler's message.
    Unschedulable(String),
    /// The container runs.
    Running,
    /// The container has terminated.
    Terminated {
        /// The kernel killed it because it exceeded its memory limit.
        out_of_memory: bool,
        /// The kubelet's message.
        detail: String,
    },
    /// The container will not start, or was removed while it ran.
    Failed(Error),
}

/// The state of a sandbox by its Pod.
pub(crate) fn of(pod: &Pod) -> PodStatus {
    let status = pod.status.clone().unwrap_or_default();
    let container = status.container_statuses.iter().flatten().find(|container| container.name == CONTAINER);
    let state = container.and_then(|container| container.state.clone()).unwrap_or_default();
    if let Some(terminated) = state.terminated {
        return of_terminated(terminated);
    }
    if let Some(error) = disruption(pod, &status, container) {
        return PodStatus::Failed(error);
    }
    if let Some(error) = state.waiting.as_ref().and_then(stuck) {
        return PodStatus::Failed(error);
    }
    if state.running.is_some() {
        return PodStatus::Running;
    }
    match condition(&status, "PodScheduled") {
        Some(scheduled) if scheduled.status == "True" => PodStatus::Pending { scheduled: true },
        Some(scheduled) if scheduled.reason.as_deref() == Some("Unschedulable") => {
            PodStatus::Unschedulable(scheduled.message.clone().unwrap_or_default())
        }
        _ => PodStatus::Pending { scheduled: false },
    }
}

fn of_terminated(terminated: ContainerStateTerminated) -> PodStatus {
    let reason = terminated.reason.unwrap_or_default();
    let message = terminated.message.unwrap_or_default();
    let detail = format!("the container terminated: {reason} (exit code {}) {message}", terminated.exit_code);
    match reason.as_str() {
        "StartError" | "ContainerCannotRun" => PodStatus::Failed(cannot_start(&detail)),
        // The node was restarted, and the container's end is unknown.
        "ContainerStatusUnknown" => PodStatus::Failed(evicted(&detail, false)),
        _ => PodStatus::Terminated { out_of_memory: reason == "OOMKilled", detail },
    }
}

/// Why the Pod was or is being removed, if so.
fn disruption(pod: &Pod, status: &Status, container: Option<&ContainerStatus>) -> Option<Error> {
    let target = condition(status, "DisruptionTarget").filter(|condition| condition.status == "True");
    let is_deleted = pod.metadata.deletion_timestamp.is_some();
    if status.phase.as_deref() != Some("Failed") && !is_deleted && target.is_none() {
        return None;
    }
    let started = container.is_some_and(|container| {
        container.started == Some(true)
            || container.state.as_ref().is_some_and(|state| state.running.is_some())
    });
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (reason, message) = (text(&status.reason), text(&status.message));
    let disruption = target.map(|condition| text(&condition.reason)).unwrap_or_default();
    Some(evicted(&format!("the Pod was removed: {reason} {disruption} {message}"), !started))
}

/// Whether the container has terminated, will not start, or is being removed.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    matches!(of(pod), PodStatus::Terminated { .. } | PodStatus::Failed(_))
}

/// Whether the Pod was evicted, or somebody deletes it.
pub(crate) fn is_being_removed(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    pod.metadata.deletion_timestamp.is_some()
        || status.is_some_and(|status| {
            status.reason.as_deref() == Some("Evicted") || disruption_reason(status).is_some()
        })
}

/// Whether its node is gone, or does not answer.
///
/// A node controller taints a node that does not answer, and the Pods of a node that is gone are collected: kubernetes
/// `pkg/controller/tainteviction` and `pkg/controller/podgc`.
pub(crate) fn has_lost_its_node(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let states = status.container_statuses.iter().flatten().filter_map(|container| container.state.as_ref());
    let mut reasons = states.filter_map(|state| state.terminated.as_ref()?.reason.as_deref());
    matches!(disruption_reason(status), Some("DeletionByTaintManager" | "DeletionByPodGC"))
        || status.reason.as_deref() == Some("NodeLost")
        || reasons.any(|reason| reason == "ContainerStatusUnknown")
}

fn disruption_reason(status: &Status) -> Option<&str> {
    let target = condition(status, "DisruptionTarget").filter(|condition| condition.status == "True");
    Some(target?.reason.as_deref().unwrap_or_default())
}

fn condition<'a>(status: &'a Status, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

/// Whether the last state of a Pod shows that its container never ran. A node may start it before it reports
/// that.
pub(super) fn never_ran(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let mut states = statuses.into_iter().flatten().filter_map(|container| container.state.as_ref());
    pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none())
        && states.all(|state| state.running.is_none() && state.terminated.is_none())
}

/// Why a waiting container will never start, if so.
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
            let text = "the sandbox image could not be pulled; the operator's log says why";
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

/// Whether a node could take the Pod if other Pods were not there.
///
/// The scheduler says of each node whether preemption would help, and if so, that it finds no victims:
/// kubernetes `pkg/scheduler/framework/preemption`.
pub(crate) fn is_only_full(message: &str) -> bool {
    message.contains("No preemption victims found") || message.contains("preemption is not allowed")
}

/// No node can take the Pod: the scheduler's message.
pub(crate) fn unschedulable(detail: &str) -> Error {
    if is_only_full(detail) {
        let text = "no node of the cluster has enough free resources for the sandbox; ask for less, or try again later";
        return Error::new(ErrorCode::Unschedulable, text).with_detail(detail).retryable();
    }
    let text = "no node of the cluster matches the sandbox, or none is large enough; ask for less, or have the operator \
                check `node_selector`, `tolerations`, `cpu_requested` and `mem_requested`";
    Error::new(ErrorCode::Unschedulable, text).with_detail(detail)
}

/// The container cannot be started.
pub(super) fn cannot_start(detail: &str) -> Error {
    let text = "the sandbox cannot be started; the operator's log says why";
    Error::new(ErrorCode::SandboxUnavailable, text).with_detail(detail)
}

/// The Pod was or is being removed by the cluster.
pub(crate) fn evicted(detail: &str, certainly_not_started: bool) -> Error {
    let text = "the cluster removed the sandbox: it was evicted or deleted, or its node was lost";
    let error = Error::new(ErrorCode::Evicted, text).with_detail(detail);
    if certainly_not_started { error.retryable() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn status_of(status: Value) -> PodStatus {
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
        match status_of(status) {
            PodStatus::Failed(error) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn a_pod_that_starts_is_pending() {
        assert_eq!(status_of(json!({})), PodStatus::Pending { scheduled: false });
        let scheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "True" }] });
        assert_eq!(status_of(scheduled), PodStatus::Pending { scheduled: true });
        assert_eq!(status_of(waiting("ContainerCreating")), PodStatus::Pending { scheduled: false });
    }

    #[test]
    fn a_container_that_cannot_start_has_an_error_code_for_its_reason() {
        for reason in ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"] {
            assert_eq!(code(waiting(reason)), Some(ErrorCode::ImageUnavailable), "{reason}");
        }
        for reason in ["CreateContainerConfigError", "RunContainerError", "CreateContainerError"] {
            assert_eq!(code(waiting(reason)), Some(ErrorCode::SandboxUnavailable), "{reason}");
        }
        assert_eq!(code(terminated("StartError", 128)), Some(ErrorCode::SandboxUnavailable));
    }

    #[test]
    fn an_oom_kill_is_recognised() {
        for (reason, expected) in [("OOMKilled", true), ("Error", false), ("Completed", false)] {
            let PodStatus::Terminated { out_of_memory, .. } = status_of(terminated(reason, 137)) else {
                panic!("{reason}")
            };
            assert_eq!(out_of_memory, expected, "{reason}");
        }
    }

    #[test]
    fn a_removed_pod_is_evicted() {
        assert_eq!(code(json!({ "phase": "Failed", "reason": "Evicted" })), Some(ErrorCode::Evicted));
        let disrupted = json!({ "phase": "Running", "conditions": [
            { "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager" }] });
        assert_eq!(code(disrupted), Some(ErrorCode::Evicted));
    }

    #[test]
    fn only_a_pod_without_a_node_certainly_never_ran() {
        let pod = |spec: Value| -> Pod {
            let waiting = waiting("ContainerCreating");
            serde_json::from_value(json!({ "metadata": {}, "spec": spec, "status": waiting })).unwrap()
        };
        assert!(never_ran(&pod(json!({ "containers": [] }))));
        assert!(!never_ran(&pod(json!({ "containers": [], "nodeName": "one" }))));
    }

    #[test]
    fn a_full_cluster_is_not_a_cluster_without_matching_nodes() {
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
