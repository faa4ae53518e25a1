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
    let pod = pod.map(|pod| pod.name_any()).filter(|pod| pod != id);
    for name in [Some(id.to_owned()), pod].into_iter().flatten() {
        let params = ListParams::default().fields(&format!("involvedObject.name={name}")).limit(MAX_EVENTS);
        events.extend(bounded(cluster.events.list(&params)).await?.items);
    }
    Ok(hear(&events))
}

/// Pure.
fn hear(events: &[Event]) -> Heard {
    let mut heard = Heard::default();
    for event in events {
        let message = event.message.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        match reason {
            "FailedCreate" => heard.fatal = Some(refusal::of_message(message)),
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
        assert_eq!(hear(&[quota]).fatal.map(|error| error.code), Some(ErrorCode::Quota));
        let handler =
            event("FailedCreatePodSandBox", "failed to get sandbox runtime: no runtime for \"x\" is configured");
        assert_eq!(hear(&[handler]).fatal.map(|error| error.code), Some(ErrorCode::SandboxUnavailable));
        let mount = event("FailedMount", &format!("configmap \"{}\" not found", runner_name()));
        assert!(hear(&[mount]).lacks_runner);
        let passing = hear(&[event("FailedMount", "configmap \"run-1-0\" not found"), event("TriggeredScaleUp", "")]);
        assert!(passing.fatal.is_none() && passing.is_scaling_up && !passing.lacks_runner);
    }
}
