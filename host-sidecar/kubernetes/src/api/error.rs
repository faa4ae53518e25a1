//! What an error of the cluster means for the caller. Pure.

use super::request::RequestError;
use cofferdam_types::{Error, ErrorCode};
use kube::{client::AuthError, core::Status};

/// Shown when the credentials for the cluster cannot be loaded.
pub(crate) const NO_CREDENTIALS: &str =
    "the credentials for the cluster could not be obtained; the operator's log says why";

/// Classifies a refusal by its message, from an answer of the API server or from an event of a controller.
pub(crate) fn from_message(message: &str) -> Error {
    let (code, text) = classify(message);
    let error = Error::new(code, text).with_detail(message);
    if code == ErrorCode::Quota { error.retryable() } else { error }
}

/// Sources: the messages of Kubernetes' admission plugins and authorizer.
fn classify(message: &str) -> (ErrorCode, &'static str) {
    use ErrorCode::{Denied, Quota, SandboxUnavailable, Unauthorised};
    let contains = |text: &str| message.contains(text);
    let is_forbidden =
        contains("cannot ") && (contains("in the namespace") || contains("at the cluster scope"));
    if contains("exceeded quota") {
        (Quota, "the cluster's quota is used up; try again when other executions have ended")
    } else if contains("must specify ") {
        (
            SandboxUnavailable,
            "the ResourceQuota requires a limit that the sandbox Pod does not set; the log says which",
        )
    } else if contains("RuntimeClass") {
        (SandboxUnavailable, "the cluster has no RuntimeClass of the name in the setting `runtime_class`")
    } else if contains("PriorityClass") {
        (SandboxUnavailable, "the cluster has no PriorityClass of the name in the setting `priority_class`")
    } else if contains("service account") || contains("serviceaccount") && contains("not found") {
        (
            SandboxUnavailable,
            "the namespace has no service account of the name in the setting `service_account`",
        )
    } else if is_forbidden {
        (Unauthorised, "the sidecar lacks a right in the cluster; `cofferdam doctor` names it")
    } else if contains("namespaces \"") && contains("not found") {
        (SandboxUnavailable, "the cluster has no namespace of the name in the setting `namespace`")
    } else if contains("because it is being terminated") {
        (SandboxUnavailable, "the namespace of the setting `namespace` is being deleted")
    } else {
        (Denied, "the cluster's admission control refused the sandbox; the operator's log says why")
    }
}

/// Classifies a failed request. `may_have_happened`: it creates something, and the cluster may still carry it
/// out.
pub(crate) fn from_request(step: &str, error: &RequestError, may_have_happened: bool) -> Error {
    let detail = format!("cannot {step}: {}", with_causes(error));
    let unreachable = |text| {
        let error = Error::new(ErrorCode::Unreachable, text).with_detail(&detail);
        if may_have_happened { error } else { error.retryable() }
    };
    match error {
        RequestError::Kube(kube::Error::Api(status)) => match &**status {
            Status { code: 401, .. } => {
                let text = "the cluster does not accept the sidecar's credentials";
                Error::new(ErrorCode::Unauthorised, text).with_detail(detail)
            }
            Status { code: 403 | 404, message, .. } => from_message(message).with_detail(detail),
            Status { code: 409 | 429, .. } => {
                let text = "the cluster is overloaded; try again later";
                Error::new(ErrorCode::Overloaded, text).with_detail(detail).retryable()
            }
            Status { code: 500.., .. } => unreachable("the cluster cannot be reached: its API server fails"),
            Status { message, .. } if message.contains("admission webhook") => {
                from_message(message).with_detail(detail)
            }
            _ => {
                let text =
                    "the cluster rejected the sandbox as it is configured; the operator's log says why";
                Error::new(ErrorCode::SandboxUnavailable, text).with_detail(detail)
            }
        },
        RequestError::TimedOut => {
            unreachable("the cluster cannot be reached: its API server does not answer")
        }
        RequestError::Kube(error) if is_credentials_error(error) => {
            Error::new(ErrorCode::Unauthorised, NO_CREDENTIALS).with_detail(detail)
        }
        RequestError::Kube(_) => unreachable("the cluster cannot be reached"),
    }
}

/// The message of an error, followed by those of its causes that add something.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Whether there was no connection, so that the request was not sent. The client says so in its message only.
pub(crate) fn is_connect_error(error: &RequestError) -> bool {
    matches!(error, RequestError::Kube(kube::Error::Service(error)) if error.to_string().contains("(Connect)"))
}

/// Whether the credentials could not be obtained.
pub(crate) fn is_credentials_error(error: &kube::Error) -> bool {
    match error {
        kube::Error::Auth(_) => true,
        kube::Error::Service(error) => error.is::<AuthError>(),
        _ => false,
    }
}

/// Whether the object to delete does not exist: there is none of that name, or only one with another UID. Any
/// other conflict is transient.
pub(crate) fn is_not_found(error: &RequestError) -> bool {
    // Source: apiserver `pkg/registry/rest/delete.go` and `pkg/storage/interfaces.go`.
    let RequestError::Kube(kube::Error::Api(status)) = error else { return false };
    status.code == 404 || status.code == 409 && status.message.to_ascii_lowercase().contains("precondition")
}

/// Whether the same request may succeed a little later.
pub(crate) fn is_transient(error: &RequestError) -> bool {
    match error {
        RequestError::TimedOut => true,
        // 409: another request changed the quota's count. 410: the requested version has expired.
        RequestError::Kube(kube::Error::Api(status)) => matches!(status.code, 409 | 410 | 429 | 500..),
        RequestError::Kube(kube::Error::Service(error)) => !error.is::<AuthError>(),
        RequestError::Kube(
            kube::Error::HyperError(_) | kube::Error::ReadEvents(_) | kube::Error::SerdeError(_),
        ) => true,
        RequestError::Kube(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_object_is_not_a_conflict() {
        let is_not_found = |code, message: &str| {
            let status = Status { code, message: message.to_owned(), ..Status::default() };
            super::is_not_found(&RequestError::Kube(kube::Error::Api(Box::new(status))))
        };
        assert!(is_not_found(404, "jobs.batch \"run-1\" not found"));
        let conflict = r#"Operation cannot be fulfilled on Pod "run-1": "#;
        for why in [
            "the UID in the precondition (1) does not match the UID in record (2)",
            "Precondition failed: UID",
        ] {
            assert!(is_not_found(409, &format!("{conflict}{why}")), "{why}");
        }
        assert!(!is_not_found(409, &format!("{conflict}the object has been modified")));
        assert!(!is_not_found(503, "apiserver is shutting down"));
    }

    #[test]
    fn transient_errors_are_recognised() {
        let is_transient = |code| {
            let status = Status { code, ..Status::default() };
            super::is_transient(&RequestError::Kube(kube::Error::Api(Box::new(status))))
        };
        assert!([409, 410, 429, 500, 503, 504].into_iter().all(is_transient));
        assert!(![400, 401, 403, 404, 422].into_iter().any(is_transient));
    }

    #[test]
    fn each_refusal_has_its_error_code() {
        for (message, code) in [
            (
                r#"pods "run-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"#,
                ErrorCode::Quota,
            ),
            (
                r#"Error creating: pods "run-1-" is forbidden: pod rejected: RuntimeClass "gvisor" not found"#,
                ErrorCode::SandboxUnavailable,
            ),
            (
                r#"Error creating: pods "run-1-" is forbidden: violates PodSecurity "restricted:latest": privileged"#,
                ErrorCode::Denied,
            ),
            (
                r#"Error creating: pods "run-1-" is forbidden: error looking up service account a/b: serviceaccount "b" not found"#,
                ErrorCode::SandboxUnavailable,
            ),
            (
                r#"Error creating: pods "run-1-" is forbidden: no PriorityClass with name high was found"#,
                ErrorCode::SandboxUnavailable,
            ),
            (
                r#"jobs.batch is forbidden: User "system:serviceaccount:a:b" cannot create resource "jobs" in API group "batch" in the namespace "a""#,
                ErrorCode::Unauthorised,
            ),
            (r#"namespaces "nowhere" not found"#, ErrorCode::SandboxUnavailable),
            (r#"admission webhook "x" denied the request: no"#, ErrorCode::Denied),
            (
                r#"Error creating: pods "run-1-" is forbidden: maximum memory usage per Container is 1Mi, but limit is 1Gi"#,
                ErrorCode::Denied,
            ),
        ] {
            assert_eq!(from_message(message).code, code, "{message}");
        }
    }

    #[test]
    fn a_request_that_may_have_been_carried_out_is_not_retryable() {
        let error = RequestError::TimedOut;
        assert!(from_request("create the Job", &error, false).retryable);
        assert!(!from_request("create the Job", &error, true).retryable);
    }

    #[test]
    fn names_of_the_cluster_are_in_the_detail_only() {
        let error = from_message("namespaces \"secret-name\" not found");
        assert!(!error.message.contains("secret-name"));
        assert!(error.detail.is_some_and(|detail| detail.contains("secret-name")));
    }
}
