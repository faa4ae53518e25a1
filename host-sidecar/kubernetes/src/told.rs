//! What the events of a run's objects say of it. Pure, but for the clock.

use super::{
    condition,
    manifest::{CONTAINER, runner_name},
    refusal,
};
use cofferdam_types::Error;
use k8s_openapi::api::core::v1::Event;
use tokio::time::Instant;

/// What was told of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// When a node had been found.
    pub(super) scheduled: Option<Instant>,
    /// When the image was there.
    pub(super) pulled: Option<Instant>,
    /// The Pod whose container has started.
    pub(super) started: Option<String>,
    /// Something is amiss, with the run or with the watch.
    pub(super) is_amiss: bool,
    /// Not everything may have been heard.
    pub(super) has_gaps: bool,
    /// There has been a Pod.
    is_made: bool,
    /// There will be no Pod, and why.
    refused: Option<Error>,
    /// Its Pod cannot go on, and why.
    pub(super) stuck: Option<Error>,
    /// A node is on its way.
    pub(super) is_scaling_up: bool,
    /// No node will come.
    pub(super) will_not_scale_up: bool,
    /// The runner's ConfigMap is missing.
    pub(super) lacks_runner: bool,
    /// The last complaint.
    pub(super) complaint: Option<String>,
}

impl Told {
    /// Why there will be no Pod, where none has been seen or told of.
    pub(super) fn refused(&self) -> Option<Error> {
        self.refused.clone().filter(|_| !self.is_made)
    }

    /// Takes an event about an object of this name in; gives whether it was news.
    pub(super) fn hear(&mut self, event: &Event, object: &str) -> bool {
        let of_pod = event.involved_object.kind.as_deref() == Some("Pod");
        let of_container = event.involved_object.field_path.as_deref().is_some_and(|path| path.contains(CONTAINER));
        let message = event.message.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        let is_warning = event.type_.as_deref() == Some("Warning");
        let lacks_runner = reason == "FailedMount" && message.contains(runner_name());
        // A Pod may be faster than the ConfigMap of its run; the kubelet tries again.
        let is_early = reason == "FailedMount" && !lacks_runner;
        let mut is_news = is_warning;
        self.is_made |= of_pod;
        match reason {
            "Scheduled" if of_pod => {
                is_news |= self.scheduled.replace(self.scheduled.unwrap_or_else(Instant::now)).is_none()
            }
            "Pulled" if of_container => {
                is_news |= self.pulled.replace(self.pulled.unwrap_or_else(Instant::now)).is_none()
            }
            "Started" if of_container => is_news |= self.started.replace(object.to_owned()).is_none(),
            "Killing" => is_news |= !std::mem::replace(&mut self.is_amiss, true),
            "SuccessfulCreate" => self.is_made = true,
            // The Job controller tries again: what failed once may have passed.
            "FailedCreate" if is_final(message) => self.refused = Some(refusal::of_message(message)),
            // Sources: cluster-autoscaler and Karpenter.
            "TriggeredScaleUp" | "Nominated" => is_news |= !std::mem::replace(&mut self.is_scaling_up, true),
            "NotTriggerScaleUp" => is_news |= !std::mem::replace(&mut self.will_not_scale_up, true),
            // The kubelet tries for ever, but containerd will not learn of the handler.
            "FailedCreatePodSandBox"
                if message.contains("no runtime for") || message.contains("unknown runtime handler") =>
            {
                self.stuck = Some(condition::cannot_start(message));
            }
            _ => {}
        }
        self.lacks_runner |= lacks_runner;
        if is_warning {
            self.is_amiss |= !is_early;
            self.complaint = Some(format!("{reason}: {message}"));
        }
        is_news
    }
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
    use cofferdam_types::ErrorCode;
    use serde_json::json;

    fn told(events: &[(&str, &str, &str, &str, &str)]) -> Told {
        let mut told = Told::default();
        for (kind, field, level, reason, message) in events {
            let event = json!({ "metadata": {}, "type": level, "reason": reason, "message": message,
                "involvedObject": { "kind": kind, "name": "run-0-x", "fieldPath": field } });
            told.hear(&serde_json::from_value(event).expect("an event"), "run-0-x");
        }
        told
    }

    #[test]
    fn a_start_is_that_of_our_container() {
        let of_container =
            |name: &str, reason: &str| told(&[("Pod", &format!("spec.containers{{{name}}}"), "Normal", reason, "")]);
        assert_eq!(of_container("runner", "Started").started.as_deref(), Some("run-0-x"));
        assert_eq!(of_container("proxy", "Started").started, None);
        assert!(of_container("runner", "Pulled").pulled.is_some());
        assert!(of_container("runner", "Killing").is_amiss);
        assert!(told(&[("Pod", "", "Normal", "Scheduled", "")]).scheduled.is_some());
    }

    #[test]
    fn a_warning_is_looked_into() {
        assert!(told(&[("Job", "", "Warning", "FailedCreate", "")]).is_amiss);
        assert!(!told(&[("Job", "", "Normal", "SuccessfulCreate", "")]).is_amiss);
    }

    #[test]
    fn events_tell_what_a_pod_cannot() {
        let quota = ("Job", "", "Warning", "FailedCreate", "pods is forbidden: exceeded quota: small");
        let made = ("Job", "", "Normal", "SuccessfulCreate", "");
        assert_eq!(told(&[quota]).refused().map(|error| error.code), Some(ErrorCode::Quota));
        assert!(told(&[quota, made]).refused().is_none() && told(&[made, quota]).refused().is_none());
        let conflict = ("Job", "", "Warning", "FailedCreate", "Operation cannot be fulfilled on resourcequotas");
        assert!(told(&[conflict]).refused().is_none());
        let handler = "failed to get sandbox runtime: no runtime for \"x\" is configured";
        let stuck = told(&[("Pod", "", "Warning", "FailedCreatePodSandBox", handler)]).stuck;
        assert_eq!(stuck.map(|error| error.code), Some(ErrorCode::SandboxUnavailable));
        let mount = |name: &str| {
            let message = format!("configmap \"{name}\" not found");
            told(&[("Pod", "", "Warning", "FailedMount", &message)])
        };
        let (lacking, early) = (mount(runner_name()), mount("run-1-0"));
        assert!(lacking.lacks_runner && lacking.is_amiss && !early.lacks_runner && !early.is_amiss);
        let scaled = told(&[("Pod", "", "Normal", "TriggeredScaleUp", "")]);
        assert!(scaled.is_scaling_up && scaled.stuck.is_none());
    }
}
