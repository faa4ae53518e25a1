//! Whether the namespace of executions exists, and which Pod Security Standard it enforces.

use super::advice;
use crate::{
    api::{RequestError, error, with_timeout},
    config::KubernetesConfig,
    install::{ENFORCE_LABEL, RESTRICTED},
};
use cofferdam_core::doctor::{Finding, Findings};
use cofferdam_core::new_id;
use cofferdam_types::ErrorCode;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Namespace},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, ResourceExt, api::PostParams};

pub(super) const CHECK: &str = "namespace";

/// Reads the namespace; without the right to, tries a dry run in it.
pub(super) async fn check(client: &Client, settings: &KubernetesConfig, findings: &mut Findings<'_>) -> bool {
    let name = &settings.namespace;
    let finding = match with_timeout(Api::<Namespace>::all(client.clone()).get(name)).await {
        Ok(namespace) => evaluate(&namespace),
        Err(error) if advice::status(&error) == Some(404) => missing(name),
        Err(error) if advice::status(&error) == Some(403) => {
            evaluate_dry_run(&dry_run(client, name).await, settings)
        }
        Err(error) => advice::request_failed(CHECK, "read it", &error, settings),
    };
    findings.push(finding)
}

/// Sends a dry run of an object that every execution creates.
async fn dry_run(client: &Client, namespace: &str) -> Result<(), RequestError> {
    let config_map = ConfigMap {
        metadata: ObjectMeta { name: Some(new_id()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    with_timeout(config_maps.create(&params, &config_map)).await.map(|_| ())
}

fn evaluate(namespace: &Namespace) -> Finding {
    let name = namespace.name_any();
    if namespace.metadata.deletion_timestamp.is_some() {
        let advice =
            "wait until it is deleted and create it again with `cofferdam manifests`, or name another one";
        return Finding::failed(CHECK, format!("the namespace `{name}` is being deleted"), advice);
    }
    match namespace.labels().get(ENFORCE_LABEL).map(String::as_str) {
        Some(RESTRICTED) => {
            Finding::ok(CHECK, format!("the namespace `{name}` exists and admits restricted Pods only"))
        }
        level => {
            let text = format!(
                "the namespace `{name}` exists; the Pod Security Standard that it enforces is {}",
                level.map_or_else(|| "none".to_owned(), |level| format!("`{level}`"))
            );
            // Others may use it too, and need less restricted Pods.
            let advice = "use another namespace for executions: `cofferdam manifests --namespace NAME` prints a restricted one";
            Finding::warning(CHECK, text, advice)
        }
    }
}

fn evaluate_dry_run(created: &Result<(), RequestError>, settings: &KubernetesConfig) -> Finding {
    let name = &settings.namespace;
    match created {
        Ok(()) => Finding::ok(CHECK, format!("the namespace `{name}` exists; you may not read its labels")),
        Err(error) if advice::status(error) == Some(404) => missing(name),
        Err(RequestError::Kube(kube::Error::Api(status)))
            if status.code == 403 && is_missing_right(&status.message) =>
        {
            Finding::skipped(
                CHECK,
                format!("you may not read whether `{name}` exists; the check of rights shows more"),
            )
        }
        Err(error) => advice::request_failed(CHECK, "create an object in it", error, settings),
    }
}

fn is_missing_right(message: &str) -> bool {
    error::from_message(message).code == ErrorCode::Unauthorised
}

fn missing(name: &str) -> Finding {
    let advice = format!(
        "`cofferdam manifests --namespace {name} | kubectl apply -f -` creates it; or name another one with --namespace"
    );
    Finding::failed(CHECK, format!("there is no namespace `{name}`"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;
    use kube::core::Status;
    use serde_json::json;

    fn verdict(metadata: serde_json::Value) -> Verdict {
        evaluate(&serde_json::from_value(json!({ "metadata": metadata })).expect("a namespace")).verdict
    }

    #[test]
    fn a_namespace_that_is_not_restricted_is_a_warning() {
        assert_eq!(verdict(json!({ "name": "a", "labels": { ENFORCE_LABEL: "restricted" } })), Verdict::Ok);
        assert_eq!(
            verdict(json!({ "name": "a", "labels": { ENFORCE_LABEL: "baseline" } })),
            Verdict::Warning
        );
        assert_eq!(verdict(json!({ "name": "a" })), Verdict::Warning);
        assert_eq!(
            verdict(json!({ "name": "a", "deletionTimestamp": "2030-01-01T00:00:00Z" })),
            Verdict::Failed
        );
    }

    #[test]
    fn a_dry_run_shows_whether_an_unreadable_namespace_exists() {
        let answer = |code, message: &str| {
            Err(RequestError::Kube(kube::Error::Api(Status::failure(message, "").with_code(code).boxed())))
        };
        let rights =
            r#"configmaps is forbidden: User "a" cannot create resource "configmaps" in the namespace "a""#;
        for (created, expected) in [
            (Ok(()), Verdict::Ok),
            (answer(404, r#"namespaces "a" not found"#), Verdict::Failed),
            (answer(403, rights), Verdict::Skipped),
            (answer(403, r#"configmaps "x" is forbidden: exceeded quota: small"#), Verdict::Failed),
            (Err(RequestError::TimedOut), Verdict::Failed),
        ] {
            assert_eq!(
                evaluate_dry_run(&created, &KubernetesConfig::default()).verdict,
                expected,
                "{created:?}"
            );
        }
    }
}
