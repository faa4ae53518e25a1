//! Whether the namespace of runs is there, and how strict it is.

use super::{
    super::{
        cluster::{RequestError, bounded},
        install::{ENFORCE, RESTRICTED},
        refusal,
    },
    advice,
};
use crate::config::KubernetesConfig;
use cofferdam_core::doctor::{Finding, Findings};
use cofferdam_core::new_id;
use cofferdam_types::ErrorCode;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Namespace},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, ResourceExt, api::PostParams};

pub(super) const CHECK: &str = "namespace";

/// Reads the namespace, or where that is not allowed, finds out whether something could be made in it.
pub(super) async fn check(client: &Client, settings: &KubernetesConfig, findings: &mut Findings<'_>) -> bool {
    let name = &settings.namespace;
    let finding = match bounded(Api::<Namespace>::all(client.clone()).get(name)).await {
        Ok(namespace) => judge(&namespace),
        Err(error) if advice::status(&error) == Some(404) => missing(name),
        Err(error) if advice::status(&error) == Some(403) => {
            judge_creation(&would_create(client, name).await, settings)
        }
        Err(error) => advice::of_request(CHECK, "read it", &error, settings),
    };
    findings.push(finding)
}

/// Creates something that every run needs, but for its being kept.
async fn would_create(client: &Client, namespace: &str) -> Result<(), RequestError> {
    let config_map =
        ConfigMap { metadata: ObjectMeta { name: Some(new_id()), ..ObjectMeta::default() }, ..ConfigMap::default() };
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    bounded(config_maps.create(&params, &config_map)).await.map(|_| ())
}

fn judge(namespace: &Namespace) -> Finding {
    let name = namespace.name_any();
    if namespace.metadata.deletion_timestamp.is_some() {
        let advice = "wait until it is gone and make it anew with `cofferdam manifests`, or name another one";
        return Finding::failed(CHECK, format!("the namespace `{name}` is being deleted"), advice);
    }
    match namespace.labels().get(ENFORCE).map(String::as_str) {
        Some(RESTRICTED) => {
            Finding::ok(CHECK, format!("the namespace `{name}` is there and admits restricted Pods only"))
        }
        level => {
            let text = format!(
                "the namespace `{name}` is there; the Pod Security Standard that it enforces is {}",
                level.map_or_else(|| "none".to_owned(), |level| format!("`{level}`"))
            );
            // Others may use it too, and need more than runs do.
            let advice =
                "give runs a namespace of their own: `cofferdam manifests --namespace NAME` prints a restricted one";
            Finding::warning(CHECK, text, advice)
        }
    }
}

fn judge_creation(created: &Result<(), RequestError>, settings: &KubernetesConfig) -> Finding {
    let name = &settings.namespace;
    match created {
        Ok(()) => Finding::ok(CHECK, format!("the namespace `{name}` is there; what it enforces may not be read")),
        Err(error) if advice::status(error) == Some(404) => missing(name),
        Err(RequestError::Kube(kube::Error::Api(status))) if status.code == 403 && is_of_rights(&status.message) => {
            Finding::skipped(CHECK, format!("whether `{name}` is there may not be read; the rights will tell"))
        }
        Err(error) => advice::of_request(CHECK, "make anything in it", error, settings),
    }
}

fn is_of_rights(message: &str) -> bool {
    refusal::of_message(message).code == ErrorCode::Unauthorised
}

fn missing(name: &str) -> Finding {
    let advice = format!(
        "`cofferdam manifests --namespace {name} | kubectl apply -f -` makes it; or name another one with --namespace"
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
        judge(&serde_json::from_value(json!({ "metadata": metadata })).expect("a namespace")).verdict
    }

    #[test]
    fn a_namespace_that_is_not_strict_is_only_a_warning() {
        assert_eq!(verdict(json!({ "name": "a", "labels": { ENFORCE: "restricted" } })), Verdict::Ok);
        assert_eq!(verdict(json!({ "name": "a", "labels": { ENFORCE: "baseline" } })), Verdict::Warning);
        assert_eq!(verdict(json!({ "name": "a" })), Verdict::Warning);
        assert_eq!(verdict(json!({ "name": "a", "deletionTimestamp": "2030-01-01T00:00:00Z" })), Verdict::Failed);
    }

    #[test]
    fn what_could_be_made_tells_whether_a_hidden_namespace_is_there() {
        let answer = |code, message: &str| {
            Err(RequestError::Kube(kube::Error::Api(Status::failure(message, "").with_code(code).boxed())))
        };
        let rights = r#"configmaps is forbidden: User "a" cannot create resource "configmaps" in the namespace "a""#;
        for (created, expected) in [
            (Ok(()), Verdict::Ok),
            (answer(404, r#"namespaces "a" not found"#), Verdict::Failed),
            (answer(403, rights), Verdict::Skipped),
            (answer(403, r#"configmaps "x" is forbidden: exceeded quota: small"#), Verdict::Failed),
            (Err(RequestError::Silence), Verdict::Failed),
        ] {
            assert_eq!(judge_creation(&created, &KubernetesConfig::default()).verdict, expected, "{created:?}");
        }
    }
}
