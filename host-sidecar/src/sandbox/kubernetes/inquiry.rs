//! Asking about a run of which nothing has been heard for a while: what its watch may have missed, and what only events tell.

use super::{
    cluster::{Cluster, RequestError, bounded},
    condition,
    manifest::{RUN, runner_name},
    refusal,
};
use crate::execution::Error;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{ResourceExt, api::ListParams};

/// Events that are read of one object.
const MAX_EVENTS: u32 = 100;

/// What the events of a run's objects say.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// It cannot go on, and why.
    pub(super) fatal: Option<Error>,
    /// A node is on its way.
    pub(super) is_scaling_up: bool,
    /// No node will come.
    pub(super) will_not_scale_up: bool,
    /// The runner's ConfigMap is missing.
    pub(super) lacks_runner: bool,
    /// The last complaint.
    pub(super) complaint: Option<String>,
}

/// The Pod of a run as it is now, if there is one.
pub(super) async fn pod(cluster: &Cluster, id: &str) -> Result<Option<Pod>, RequestError> {
    let pods = bounded(cluster.pods.list(&ListParams::default().labels(&format!("{RUN}={id}")))).await?;
    Ok(pods.items.into_iter().next())
}

/// What events say of a run.
pub(super) async fn events(cluster: &Cluster, id: &str, pod: Option<&Pod>) -> Result<Heard, RequestError> {
    let mut events = Vec::new();
    let pod_name = pod.map(|pod| pod.name_any());
    for name in [Some(id.to_owned()), pod_name.clone().filter(|name| name != id)].into_iter().flatten() {
        let params = ListParams::default().fields(&format!("involvedObject.name={name}")).limit(MAX_EVENTS);
        events.extend(bounded(cluster.events.list(&params)).await?.items);
    }
    Ok(hear(&events, pod_name.is_some()))
}

/// Pure.
fn hear(events: &[Event], has_pod: bool) -> Heard {
    let mut heard = Heard::default();
    let is_made = has_pod || events.iter().any(|event| event.reason.as_deref() == Some("SuccessfulCreate"));
    for event in events {
        let message = event.message.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        match reason {
            // The Job controller tries again: what failed once may have passed.
            "FailedCreate" if !is_made && is_final(message) => heard.fatal = Some(refusal::of_message(message)),
            // Sources: cluster-autoscaler and Karpenter.
            "TriggeredScaleUp" | "Nominated" => heard.is_scaling_up = true,
            "NotTriggerScaleUp" => heard.will_not_scale_up = true,
            "FailedMount" if message.contains(runner_name()) => heard.lacks_runner = true,
            // The kubelet tries for ever, but containerd will not learn of the handler.
            "FailedCreatePodSandBox"
                if message.contains("no runtime for") || message.contains("unknown runtime handler") =>
            {
                heard.fatal = Some(condition::cannot_start(message));
            }
            _ => {}
        }
        if event.type_.as_deref() == Some("Warning") {
            heard.complaint = Some(format!("{reason}: {message}"));
        }
    }
    heard
}

/// Whether the same would be refused again, now.
fn is_final(message: &str) -> bool {
    let passing =
        ["Operation cannot be fulfilled", "failed calling webhook", "etcdserver", "timeout", "deadline exceeded"];
    !passing.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::ErrorCode;
    use serde_json::json;

    fn event(reason: &str, message: &str) -> Event {
        let event =
            json!({ "metadata": {}, "involvedObject": {}, "type": "Warning", "reason": reason, "message": message });
        serde_json::from_value(event).expect("an event")
    }

    #[test]
    fn events_tell_what_a_pod_cannot() {
        let quota = event("FailedCreate", "pods is forbidden: exceeded quota: small");
        assert_eq!(hear(std::slice::from_ref(&quota), false).fatal.map(|error| error.code), Some(ErrorCode::Quota));
        assert!(hear(&[quota, event("SuccessfulCreate", "")], false).fatal.is_none());
        let handler =
            event("FailedCreatePodSandBox", "failed to get sandbox runtime: no runtime for \"x\" is configured");
        assert_eq!(hear(&[handler], true).fatal.map(|error| error.code), Some(ErrorCode::SandboxUnavailable));
        let mount = event("FailedMount", &format!("configmap \"{}\" not found", runner_name()));
        assert!(hear(&[mount], true).lacks_runner);
        let passing =
            hear(&[event("FailedMount", "configmap \"run-1-0\" not found"), event("TriggeredScaleUp", "")], true);
        assert!(passing.fatal.is_none() && passing.is_scaling_up && !passing.lacks_runner);
    }
}
