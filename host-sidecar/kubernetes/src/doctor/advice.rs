//! What the operator can do about a failure. Pure.

use crate::{
    api::{RequestError, error},
    config::KubernetesConfig,
};
use cofferdam_core::doctor::Finding;
use cofferdam_types::{Error, ErrorCode};

/// The finding for a failed request.
pub(super) fn request_failed(
    check: &'static str,
    step: &str,
    error: &RequestError,
    settings: &KubernetesConfig,
) -> Finding {
    let message = message(error);
    let advice = if is_unauthenticated(error) {
        NO_CREDENTIALS.to_owned()
    } else {
        for_code(error::from_request(step, error, false).code, &message, settings)
    };
    Finding::failed(check, format!("{check}: cannot {step}: {message}"), advice)
}

/// The finding for a failed execution.
pub(super) fn execution_failed(check: &'static str, error: &Error, settings: &KubernetesConfig) -> Finding {
    let problem = problem(error);
    let advice = for_code(error.code, &problem, settings);
    Finding::failed(check, format!("an execution failed: {problem}"), advice)
}

/// The status code of the API server's answer, if there was an answer.
pub(super) fn status(error: &RequestError) -> Option<u16> {
    match error {
        RequestError::Kube(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

/// The message of the API server, or that of the error with its causes.
pub(super) fn message(error: &RequestError) -> String {
    if let RequestError::Kube(kube::Error::Api(status)) = error {
        return if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
    }
    error::with_causes(error)
}

const NO_CREDENTIALS: &str = "log in to the cluster again, or correct the user of the kubeconfig; `kubectl auth \
                              whoami` prints who you are for the cluster";

fn is_unauthenticated(error: &RequestError) -> bool {
    status(error) == Some(401) || matches!(error, RequestError::Kube(kube::Error::Auth(_)))
}

/// The message without its advice for the caller, and the detail for the operator.
fn problem(error: &Error) -> String {
    // kube appends the status in Rust's debug format.
    let detail =
        error.detail.as_deref().map(|detail| detail.split(" (Status {").next().unwrap_or(detail).trim());
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) if !error.message.contains(detail) => {
            let message = error.message.split("; ").next().unwrap_or(&error.message);
            format!("{message}: {detail}")
        }
        _ => error.message.clone(),
    }
}

/// The advice for an error code.
fn for_code(code: ErrorCode, problem: &str, settings: &KubernetesConfig) -> String {
    let KubernetesConfig { namespace, .. } = settings;
    match code {
        ErrorCode::Quota => format!(
            "`kubectl describe quota,limits -n {namespace}` shows the limits: raise them (`cofferdam manifests \
             --runs`), or lower `cpu_requested` and `mem_requested`"
        ),
        ErrorCode::Denied => format!(
            "the message names the rule, webhook or policy that refuses it: exempt the namespace `{namespace}`, or add \
             what it requires with `pod_labels` or `pod_overlay`"
        ),
        ErrorCode::Unauthorised => {
            "apply the output of `cofferdam manifests`, and use the service account in it".to_owned()
        }
        ErrorCode::Unschedulable => {
            "no node matches: select your gVisor nodes with `node_selector` and `tolerations`, lower `cpu_requested` and \
             `mem_requested`, or add a node (`kubectl describe nodes`)"
                .to_owned()
        }
        ErrorCode::ImageUnavailable => format!(
            "check that the image {} exists and that nodes can reach its registry; for a private registry, name its \
             Secret in `image_pull_secrets`",
            settings.image
        ),
        ErrorCode::SandboxUnavailable => for_sandbox(problem, settings),
        ErrorCode::StartupTimeout => {
            "the message says what the Pod waits for; the first execution on a node pulls the image: try again, or \
             raise `startup_timeout_seconds`"
                .to_owned()
        }
        ErrorCode::Evicted => {
            format!("`kubectl get events -n {namespace}` shows who removed the Pod; try again")
        }
        ErrorCode::Overloaded => "try again later".to_owned(),
        ErrorCode::Unreachable => {
            "check with `kubectl version` that this kubeconfig reaches the cluster from here: its address, proxy, VPN \
             and certificates"
                .to_owned()
        }
        ErrorCode::Cancelled => "run `cofferdam doctor` again without interrupting it".to_owned(),
        ErrorCode::InvalidRequest | ErrorCode::TooLarge => {
            "the ceilings of the settings are too low for the probe: raise them".to_owned()
        }
        ErrorCode::Internal | ErrorCode::NotFound | ErrorCode::Conflict | ErrorCode::Gone => {
            "this is a defect of Cofferdam: report it with the log of `COFFERDAM_LOG=debug`".to_owned()
        }
    }
}

/// The advice for a sandbox that cannot be started.
fn for_sandbox(problem: &str, settings: &KubernetesConfig) -> String {
    let KubernetesConfig { namespace, runtime_class, .. } = settings;
    let says = |text: &str| problem.contains(text);
    if says("not a gVisor sandbox") {
        format!(
            "the RuntimeClass `{runtime_class}` selects another runtime: set its handler to gVisor's, often `runsc`"
        )
    } else if says("gVisor is too old") {
        "install gVisor of 2025 or later on the nodes".to_owned()
    } else if says("cannot start \"") {
        format!("the image {} has no such interpreter: name another one with --image", settings.image)
    } else if says("no runtime for") || says("unknown runtime handler") {
        format!(
            "install gVisor (runsc and containerd-shim-runsc-v1) for containerd on the nodes of `{runtime_class}`"
        )
    } else if says("RuntimeClass") {
        "create the RuntimeClass (`deploy/runtimeclass.yaml`), or name yours in `runtime_class`".to_owned()
    } else if says("PriorityClass") {
        "name an existing PriorityClass in `priority_class`, or remove that setting".to_owned()
    } else if says("service account") || says("serviceaccount") {
        format!("`cofferdam manifests | kubectl apply -f -` creates it in the namespace `{namespace}`")
    } else if says("namespace") {
        format!("`cofferdam manifests --namespace {namespace} | kubectl apply -f -` creates the namespace")
    } else if says("ConfigMap of the runner") {
        format!("delete the ConfigMap in the message from the namespace `{namespace}`")
    } else {
        format!(
            "check `kubectl get events -n {namespace}`, and the logs of kubelet, containerd and runsc on the node; \
             gVisor must be of 2025 or later"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn api(code: u16, message: &str) -> RequestError {
        RequestError::Kube(kube::Error::Api(Status::failure(message, "Because").with_code(code).boxed()))
    }

    fn advice(finding: Finding) -> String {
        finding.advice.expect("advice")
    }

    #[test]
    fn a_failed_request_has_the_message_of_the_cluster() {
        let settings = KubernetesConfig::default();
        let finding = request_failed(
            "namespace",
            "read it",
            &api(403, "you cannot \"get\" it at the cluster scope"),
            &settings,
        );
        assert_eq!(finding.text, "namespace: cannot read it: you cannot \"get\" it at the cluster scope");
        assert!(advice(finding).contains("cofferdam manifests"));
        assert!(advice(request_failed("a", "b", &api(401, "Unauthorized"), &settings)).contains("log in"));
        assert!(
            advice(request_failed("a", "b", &RequestError::TimedOut, &settings)).contains("kubectl version")
        );
    }

    #[test]
    fn a_failed_execution_has_its_reason_and_advice() {
        let settings =
            KubernetesConfig { image: "registry.example.com/x".into(), ..KubernetesConfig::default() };
        let error = |code, message: &str, detail: &str| Error::new(code, message).with_detail(detail);
        let (code, text) =
            (ErrorCode::ImageUnavailable, "the image could not be pulled; the operator's log says why");
        let finding = execution_failed(
            "run",
            &error(code, text, "ErrImagePull: not found (Status { code: 404 })"),
            &settings,
        );
        assert_eq!(
            finding.text,
            "an execution failed: the image could not be pulled: ErrImagePull: not found"
        );
        assert!(advice(finding).contains("registry.example.com/x"));
        let reason = "this is not a gVisor sandbox: the kernel calls itself \"6.1\"";
        let message = format!("the sandbox could not start the program: {reason}");
        let finding =
            execution_failed("run", &error(ErrorCode::SandboxUnavailable, &message, reason), &settings);
        assert_eq!(finding.text, format!("an execution failed: {message}"));
        assert!(advice(finding).contains("`gvisor` selects another runtime"));
    }

    #[test]
    fn every_error_code_has_advice() {
        for code in [
            ErrorCode::InvalidRequest,
            ErrorCode::TooLarge,
            ErrorCode::Denied,
            ErrorCode::Unauthorised,
            ErrorCode::Quota,
            ErrorCode::Overloaded,
            ErrorCode::Unschedulable,
            ErrorCode::ImageUnavailable,
            ErrorCode::SandboxUnavailable,
            ErrorCode::StartupTimeout,
            ErrorCode::Evicted,
            ErrorCode::Cancelled,
            ErrorCode::Unreachable,
            ErrorCode::Internal,
        ] {
            assert!(!for_code(code, "", &KubernetesConfig::default()).is_empty(), "{code:?}");
        }
    }
}
