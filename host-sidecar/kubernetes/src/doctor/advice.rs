//! What a failure means for the operator, and what to do. Pure.

use super::super::cluster::RequestError;
use crate::{config::KubernetesConfig, refusal};
use cofferdam_core::doctor::Finding;
use cofferdam_types::{Error, ErrorCode};

/// A request to the cluster that failed.
pub(super) fn of_request(
    check: &'static str,
    step: &str,
    error: &RequestError,
    settings: &KubernetesConfig,
) -> Finding {
    let words = words(error);
    let advice = if is_without_credentials(error) {
        NO_CREDENTIALS.to_owned()
    } else {
        of_code(refusal::of_request(step, error, false).code, &words, settings)
    };
    Finding::failed(check, format!("{check}: cannot {step}: {words}"), advice)
}

/// A run that did not take place.
pub(super) fn of_run(check: &'static str, error: &Error, settings: &KubernetesConfig) -> Finding {
    let what = what_happened(error);
    let advice = of_code(error.code, &what, settings);
    Finding::failed(check, format!("a run: {what}"), advice)
}

/// The status code of the API server's answer, if there was one.
pub(super) fn status(error: &RequestError) -> Option<u16> {
    match error {
        RequestError::Kube(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

/// What went wrong, with its causes. An error of the API server's is in its own words.
pub(super) fn words(error: &RequestError) -> String {
    if let RequestError::Kube(kube::Error::Api(status)) = error {
        return if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

const NO_CREDENTIALS: &str = "log in to the cluster anew, or mend the kubeconfig's user; `kubectl auth whoami` says \
                              whom the cluster takes you for";

fn is_without_credentials(error: &RequestError) -> bool {
    status(error) == Some(401) || matches!(error, RequestError::Kube(kube::Error::Auth(_)))
}

/// The message without what it tells a caller to do, and the detail that only operators read.
fn what_happened(error: &Error) -> String {
    // kube adds the same once more in Rust's own notation.
    let detail = error.detail.as_deref().map(|detail| detail.split(" (Status {").next().unwrap_or(detail).trim());
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) if !error.message.contains(detail) => {
            let message = error.message.split("; ").next().unwrap_or(&error.message);
            format!("{message}: {detail}")
        }
        _ => error.message.clone(),
    }
}

/// What to do about a failure of this kind.
fn of_code(code: ErrorCode, what: &str, settings: &KubernetesConfig) -> String {
    let KubernetesConfig { namespace, .. } = settings;
    match code {
        ErrorCode::Quota => format!(
            "`kubectl describe quota,limits -n {namespace}` shows the bounds: raise them (`cofferdam manifests \
             --runs`), or lower `cpu_requested` and `mem_requested`"
        ),
        ErrorCode::Denied => format!(
            "the message names the rule, webhook or policy that refuses it: except the namespace `{namespace}`, or add \
             what it asks for with `pod_labels` or `pod_overlay`"
        ),
        ErrorCode::Unauthorised => {
            "apply what `cofferdam manifests` prints, and act as the service account that it names".to_owned()
        }
        ErrorCode::Unschedulable => {
            "no node fits: let `node_selector` and `tolerations` name your gVisor nodes, lower `cpu_requested` and \
             `mem_requested`, or add a node (`kubectl describe nodes`)"
                .to_owned()
        }
        ErrorCode::ImageUnavailable => format!(
            "see that the image {} is there and that nodes reach its registry; name the Secret for a private one in \
             `image_pull_secrets`",
            settings.image
        ),
        ErrorCode::SandboxUnavailable => of_sandbox(what, settings),
        ErrorCode::StartupTimeout => {
            "see what the Pod waits for in the message; the first run on a node pulls the image: try again, or raise \
             `startup_timeout_seconds`"
                .to_owned()
        }
        ErrorCode::Evicted => {
            format!("see `kubectl get events -n {namespace}` for who took the Pod away, and try again")
        }
        ErrorCode::Overloaded => "try again when less is going on in the cluster".to_owned(),
        ErrorCode::Unreachable => {
            "see that `kubectl version` reaches the cluster from here with the same kubeconfig: its address, proxy, \
             VPN and certificates"
                .to_owned()
        }
        ErrorCode::Cancelled => "run `cofferdam doctor` again and let it end".to_owned(),
        ErrorCode::InvalidRequest | ErrorCode::TooLarge => {
            "the settings leave the probe no room: raise the ceilings".to_owned()
        }
        ErrorCode::Internal => "this is a fault of Cofferdam's: report it with `COFFERDAM_LOG=debug`".to_owned(),
    }
}

/// What to do about a sandbox that cannot be built.
fn of_sandbox(what: &str, settings: &KubernetesConfig) -> String {
    let KubernetesConfig { namespace, runtime_class, .. } = settings;
    let says = |word: &str| what.contains(word);
    if says("not a gVisor sandbox") {
        format!(
            "the RuntimeClass `{runtime_class}` leads to another runtime: let its handler be gVisor's, often `runsc`"
        )
    } else if says("gVisor is too old") {
        "install a release of gVisor of 2025 or later on the nodes".to_owned()
    } else if says("cannot start \"") {
        format!("name an image that has the interpreter, which {} has not: --image", settings.image)
    } else if says("no runtime for") || says("unknown runtime handler") {
        format!("install gVisor (runsc and containerd-shim-runsc-v1) for containerd on the nodes of `{runtime_class}`")
    } else if says("RuntimeClass") {
        "make the RuntimeClass (`deploy/runtimeclass.yaml`), or name yours in `runtime_class`".to_owned()
    } else if says("PriorityClass") {
        "name one that is there in `priority_class`, or leave that out".to_owned()
    } else if says("service account") || says("serviceaccount") {
        format!("`cofferdam manifests | kubectl apply -f -` makes it in the namespace `{namespace}`")
    } else if says("namespace") {
        format!("`cofferdam manifests --namespace {namespace} | kubectl apply -f -` makes the namespace")
    } else if says("ConfigMap of the runner") || says("runner in the cluster") {
        format!("delete the ConfigMap that the message names from the namespace `{namespace}`")
    } else {
        format!(
            "see `kubectl get events -n {namespace}`, and the logs of kubelet, containerd and runsc on the node; \
             gVisor has to be of 2025 or later"
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
        finding.advice.expect("what failed says what to do")
    }

    #[test]
    fn a_request_that_failed_is_told_in_the_clusters_words() {
        let settings = KubernetesConfig::default();
        let finding =
            of_request("namespace", "read it", &api(403, "you cannot \"get\" it at the cluster scope"), &settings);
        assert_eq!(finding.text, "namespace: cannot read it: you cannot \"get\" it at the cluster scope");
        assert!(advice(finding).contains("cofferdam manifests"));
        assert!(advice(of_request("a", "b", &api(401, "Unauthorized"), &settings)).contains("log in"));
        assert!(advice(of_request("a", "b", &RequestError::Silence, &settings)).contains("kubectl version"));
    }

    #[test]
    fn a_run_that_failed_says_what_happened_and_what_to_do() {
        let settings = KubernetesConfig { image: "registry.example.com/x".into(), ..KubernetesConfig::default() };
        let error = |code, message: &str, detail: &str| Error::new(code, message).with_detail(detail);
        let (code, text) = (ErrorCode::ImageUnavailable, "the image cannot be had; the operator's log says why");
        let finding = of_run("run", &error(code, text, "ErrImagePull: not found (Status { code: 404 })"), &settings);
        assert_eq!(finding.text, "a run: the image cannot be had: ErrImagePull: not found");
        assert!(advice(finding).contains("registry.example.com/x"));
        let reason = "this is not a gVisor sandbox: the kernel calls itself \"6.1\"";
        let message = format!("the sandbox could not start the program: {reason}");
        let finding = of_run("run", &error(ErrorCode::SandboxUnavailable, &message, reason), &settings);
        assert_eq!(finding.text, format!("a run: {message}"));
        assert!(advice(finding).contains("`gvisor` leads to another runtime"));
    }

    #[test]
    fn every_kind_of_failure_says_what_to_do() {
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
            assert!(!of_code(code, "", &KubernetesConfig::default()).is_empty(), "{code:?}");
        }
    }
}
