//! What the cluster says no to becomes an error with a name. Pure.

use super::cluster::RequestError;
use cofferdam_types::{Error, ErrorCode};
use kube::{client::AuthError, core::Status};

/// A refusal in the cluster's own words, from an answer of the API server or from an event of a controller's.
pub(super) fn of_message(message: &str) -> Error {
    // Sources: the messages of Kubernetes' admission plugins and authorizer.
    let (code, text) = if message.contains("exceeded quota") {
        (ErrorCode::Quota, "the cluster's quota is used up; try again when other runs have ended")
    } else if message.contains("must specify ") {
        (
            ErrorCode::SandboxUnavailable,
            "the namespace's quota wants a bound that sandboxes do not name; the log says which",
        )
    } else if message.contains("RuntimeClass") {
        (ErrorCode::SandboxUnavailable, "the cluster has no gVisor by the name that the setting `runtime_class` gives")
    } else if message.contains("PriorityClass") {
        (ErrorCode::SandboxUnavailable, "the cluster has no PriorityClass of the name in the setting `priority_class`")
    } else if message.contains("service account") || message.contains("serviceaccount") && message.contains("not found")
    {
        (ErrorCode::SandboxUnavailable, "the namespace has no service account of the name in `service_account`")
    } else if message.contains("cannot ") && message.contains("in the namespace")
        || message.contains("cannot ") && message.contains("at the cluster scope")
    {
        (
            ErrorCode::Unauthorised,
            "the sidecar may not do this in the cluster; `cofferdam doctor` says which right it lacks",
        )
    } else if message.contains("namespaces \"") && message.contains("not found") {
        (ErrorCode::SandboxUnavailable, "the cluster has no namespace of the name in the setting `namespace`")
    } else if message.contains("because it is being terminated") {
        (ErrorCode::SandboxUnavailable, "the namespace of the runs is being deleted")
    } else {
        (ErrorCode::Denied, "the cluster's admission refuses the sandbox; the operator's log says why")
    };
    let error = Error::new(code, text).with_detail(message);
    if code == ErrorCode::Quota { error.retryable() } else { error }
}

/// What a request that failed means. `may_have_happened` says that it was one to create, and might yet be carried out.
pub(super) fn of_request(step: &str, error: &RequestError, may_have_happened: bool) -> Error {
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
            Status { code: 403 | 404, message, .. } => of_message(message).with_detail(detail),
            Status { code: 409 | 429, .. } => {
                let text = "the cluster has too much to do; try again later";
                Error::new(ErrorCode::Overloaded, text).with_detail(detail).retryable()
            }
            Status { code: 500.., .. } => unreachable("the cluster cannot be reached: its API server fails"),
            Status { message, .. } if message.contains("admission webhook") => of_message(message).with_detail(detail),
            _ => {
                let text = "the cluster refuses the sandbox as it is set up; the operator's log says why";
                Error::new(ErrorCode::SandboxUnavailable, text).with_detail(detail)
            }
        },
        RequestError::Silence => unreachable("the cluster cannot be reached: its API server does not answer"),
        RequestError::Kube(error) if is_of_credentials(error) => {
            let text = "the credentials for the cluster cannot be had; the operator's log says why";
            Error::new(ErrorCode::Unauthorised, text).with_detail(detail)
        }
        RequestError::Kube(_) => unreachable("the cluster cannot be reached"),
    }
}

/// What an error says, and what had led to it as far as that says more.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
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

/// Whether no connection came about, so that the request went nowhere. The client says so in words only.
pub(super) fn is_unconnected(error: &RequestError) -> bool {
    matches!(error, RequestError::Kube(kube::Error::Service(error)) if error.to_string().contains("(Connect)"))
}

/// Whether it is the credentials that cannot be had.
pub(super) fn is_of_credentials(error: &kube::Error) -> bool {
    match error {
        kube::Error::Auth(_) => true,
        kube::Error::Service(error) => error.is::<AuthError>(),
        _ => false,
    }
}

/// Whether what was to be deleted is not there: nothing has that name, or another object, by its uid. Any other conflict passes.
pub(super) fn is_not_there(status: &Status) -> bool {
    // Source: apiserver `pkg/registry/rest/delete.go` and `pkg/storage/interfaces.go`.
    status.code == 404 || status.code == 409 && status.message.to_ascii_lowercase().contains("precondition")
}

/// Whether the same request may succeed a little later.
pub(super) fn is_passing(error: &RequestError) -> bool {
    match error {
        RequestError::Silence => true,
        // 409: a quota was being counted by somebody else too. 410: a version was asked for that is forgotten.
        RequestError::Kube(kube::Error::Api(status)) => matches!(status.code, 409 | 410 | 429 | 500..),
        RequestError::Kube(kube::Error::Service(error)) => !error.is::<AuthError>(),
        RequestError::Kube(kube::Error::HyperError(_) | kube::Error::ReadEvents(_) | kube::Error::SerdeError(_)) => {
            true
        }
        RequestError::Kube(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_need_not_be_deleted() {
        let is_not_there = |code, message: &str| {
            super::is_not_there(&Status { code, message: message.to_owned(), ..Status::default() })
        };
        assert!(is_not_there(404, "jobs.batch \"run-1\" not found"));
        let conflict = r#"Operation cannot be fulfilled on Pod "run-1": "#;
        for why in ["the UID in the precondition (1) does not match the UID in record (2)", "Precondition failed: UID"]
        {
            assert!(is_not_there(409, &format!("{conflict}{why}")), "{why}");
        }
        assert!(!is_not_there(409, &format!("{conflict}the object has been modified")));
        assert!(!is_not_there(503, "apiserver is shutting down"));
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let is_passing = |code| {
            let status = Status { code, ..Status::default() };
            super::is_passing(&RequestError::Kube(kube::Error::Api(Box::new(status))))
        };
        assert!([409, 410, 429, 500, 503, 504].into_iter().all(is_passing));
        assert!(![400, 401, 403, 404, 422].into_iter().any(is_passing));
    }

    #[test]
    fn every_refusal_has_its_name() {
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
            assert_eq!(of_message(message).code, code, "{message}");
        }
    }

    #[test]
    fn what_may_have_been_carried_out_is_not_to_be_tried_again() {
        let error = RequestError::Silence;
        assert!(of_request("create the Job", &error, false).retryable);
        assert!(!of_request("create the Job", &error, true).retryable);
    }

    #[test]
    fn the_caller_reads_nothing_of_the_cluster() {
        let error = of_message("namespaces \"secret-name\" not found");
        assert!(!error.message.contains("secret-name"));
        assert!(error.detail.is_some_and(|detail| detail.contains("secret-name")));
    }
}
