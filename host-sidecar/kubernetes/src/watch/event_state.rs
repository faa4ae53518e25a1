//! What the events of an execution's objects say about it. Pure, except for the clock.

use super::pod_status;
use crate::{
    api::error,
    manifest::{CONTAINER, runner_name},
};
use cofferdam_types::Error;
use k8s_openapi::api::core::v1::Event;
use tokio::time::Instant;

/// Part of the message of a refusal that the Job controller retries, perhaps with success.
const TRANSIENT_REFUSALS: [&str; 5] =
    ["Operation cannot be fulfilled", "failed calling webhook", "etcdserver", "timeout", "deadline exceeded"];

/// The state of an execution by its events so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventState {
    /// When a node was assigned.
    pub(crate) scheduled: Option<Instant>,
    /// When the image was on the node.
    pub(crate) pulled: Option<Instant>,
    /// The Pod whose container has started.
    pub(crate) started: Option<String>,
    /// The execution has a problem, or the watch of events was interrupted.
    pub(crate) needs_attention: bool,
    /// Events may be missing.
    pub(crate) has_gaps: bool,
    /// A Pod was created.
    pod_created: bool,
    /// Why no Pod was created.
    refused: Option<Error>,
    /// Why the container will never start.
    pub(crate) stuck: Option<Error>,
    /// A node is being added for the Pod.
    pub(crate) is_scaling_up: bool,
    /// No node will be added for the Pod.
    pub(crate) will_not_scale_up: bool,
    /// The runner's ConfigMap does not exist.
    pub(crate) lacks_runner: bool,
    /// The last warning.
    pub(crate) warning: Option<String>,
}

impl EventState {
    /// Why no Pod is created, unless one was.
    pub(crate) fn refused(&self) -> Option<Error> {
        self.refused.clone().filter(|_| !self.pod_created)
    }

    /// Applies an event about the object of this name. Returns whether it says something new.
    pub(super) fn apply(&mut self, event: &Event, object: &str) -> bool {
        let reason = event.reason.as_deref().unwrap_or_default();
        let message = event.message.as_deref().unwrap_or_default();
        let about = &event.involved_object;
        let about_pod = about.kind.as_deref() == Some("Pod");
        let about_container = about.field_path.as_deref().is_some_and(|path| path.contains(CONTAINER));
        self.pod_created |= about_pod;
        let is_new = match reason {
            "Scheduled" if about_pod => set_time(&mut self.scheduled),
            "Pulled" if about_container => set_time(&mut self.pulled),
            "Started" if about_container => self.started.replace(object.to_owned()).is_none(),
            "Killing" => set_flag(&mut self.needs_attention),
            // Sources: cluster-autoscaler and Karpenter.
            "TriggeredScaleUp" | "Nominated" => set_flag(&mut self.is_scaling_up),
            "NotTriggerScaleUp" => set_flag(&mut self.will_not_scale_up),
            _ => {
                self.apply_failure(reason, message);
                false
            }
        };
        let is_warning = event.type_.as_deref() == Some("Warning");
        if is_warning {
            self.apply_warning(reason, message);
        }
        is_new || is_warning
    }

    fn apply_failure(&mut self, reason: &str, message: &str) {
        match reason {
            "SuccessfulCreate" => self.pod_created = true,
            // The Job controller retries.
            "FailedCreate" if !TRANSIENT_REFUSALS.iter().any(|refusal| message.contains(refusal)) => {
                self.refused = Some(error::from_message(message));
            }
            // The kubelet retries for ever, but containerd reads its runtimes at its start only.
            "FailedCreatePodSandBox"
                if message.contains("no runtime for") || message.contains("unknown runtime handler") =>
            {
                self.stuck = Some(pod_status::cannot_start(message));
            }
            "FailedMount" => self.lacks_runner |= message.contains(runner_name()),
            _ => {}
        }
    }

    fn apply_warning(&mut self, reason: &str, message: &str) {
        // A Pod may be faster than the ConfigMaps of its program; the kubelet mounts them when they exist.
        let is_expected = reason == "FailedMount" && !message.contains(runner_name());
        self.needs_attention |= !is_expected;
        self.warning = Some(format!("{reason}: {message}"));
    }
}

/// Sets the time unless it is set. Returns whether it was not.
fn set_time(time: &mut Option<Instant>) -> bool {
    let is_new = time.is_none();
    time.get_or_insert_with(Instant::now);
    is_new
}

/// Sets the flag. Returns whether it was not set.
fn set_flag(flag: &mut bool) -> bool {
    !std::mem::replace(flag, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::ErrorCode;
    use serde_json::json;

    fn state_after(events: &[(&str, &str, &str, &str, &str)]) -> EventState {
        let mut state = EventState::default();
        for (kind, field, level, reason, message) in events {
            let event = json!({ "metadata": {}, "type": level, "reason": reason, "message": message,
                "involvedObject": { "kind": kind, "name": "run-0-x", "fieldPath": field } });
            state.apply(&serde_json::from_value(event).expect("an event"), "run-0-x");
        }
        state
    }

    #[test]
    fn only_the_runner_container_counts_as_started() {
        let of_container = |name: &str, reason: &str| {
            state_after(&[("Pod", &format!("spec.containers{{{name}}}"), "Normal", reason, "")])
        };
        assert_eq!(of_container("runner", "Started").started.as_deref(), Some("run-0-x"));
        assert_eq!(of_container("proxy", "Started").started, None);
        assert!(of_container("runner", "Pulled").pulled.is_some());
        assert!(of_container("runner", "Killing").needs_attention);
        assert!(state_after(&[("Pod", "", "Normal", "Scheduled", "")]).scheduled.is_some());
    }

    #[test]
    fn a_warning_needs_attention() {
        assert!(state_after(&[("Job", "", "Warning", "FailedCreate", "")]).needs_attention);
        assert!(!state_after(&[("Job", "", "Normal", "SuccessfulCreate", "")]).needs_attention);
    }

    #[test]
    fn events_report_failures_that_the_pod_status_does_not_have() {
        let quota = ("Job", "", "Warning", "FailedCreate", "pods is forbidden: exceeded quota: small");
        let made = ("Job", "", "Normal", "SuccessfulCreate", "");
        assert_eq!(state_after(&[quota]).refused().map(|error| error.code), Some(ErrorCode::Quota));
        assert!(
            state_after(&[quota, made]).refused().is_none()
                && state_after(&[made, quota]).refused().is_none()
        );
        let conflict =
            ("Job", "", "Warning", "FailedCreate", "Operation cannot be fulfilled on resourcequotas");
        assert!(state_after(&[conflict]).refused().is_none());
        let handler = "failed to get sandbox runtime: no runtime for \"x\" is configured";
        let stuck = state_after(&[("Pod", "", "Warning", "FailedCreatePodSandBox", handler)]).stuck;
        assert_eq!(stuck.map(|error| error.code), Some(ErrorCode::SandboxUnavailable));
        let mount = |name: &str| {
            let message = format!("configmap \"{name}\" not found");
            state_after(&[("Pod", "", "Warning", "FailedMount", &message)])
        };
        let (lacking, early) = (mount(runner_name()), mount("run-1-0"));
        assert!(
            lacking.lacks_runner && lacking.needs_attention && !early.lacks_runner && !early.needs_attention
        );
        let scaled = state_after(&[("Pod", "", "Normal", "TriggeredScaleUp", "")]);
        assert!(scaled.is_scaling_up && scaled.stuck.is_none());
    }
}
