//! Whether the user of the kubeconfig has the rights of the sidecar.

use super::advice;
use crate::{
    api::{RequestError, with_timeout},
    config::KubernetesConfig,
    install::{Right, rights},
};
use cofferdam_core::doctor::{Finding, Findings};
use futures_util::future::join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};

pub(super) const CHECK: &str = "rights";

/// Checks each right.
pub(super) async fn check(client: &Client, settings: &KubernetesConfig, findings: &mut Findings<'_>) -> bool {
    let rights = rights(settings.workload);
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answers = join_all(rights.iter().map(|right| is_allowed(&reviews, right, &settings.namespace))).await;
    let mut has_all = true;
    for finding in evaluate(&rights, answers, settings) {
        has_all &= findings.push(finding);
    }
    has_all
}

async fn is_allowed(
    reviews: &Api<SelfSubjectAccessReview>,
    right: &Right,
    namespace: &str,
) -> Result<bool, RequestError> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                group: Some(right.group.to_owned()),
                resource: Some(right.resource.to_owned()),
                subresource: right.subresource.map(str::to_owned),
                verb: Some(right.verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = with_timeout(reviews.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

fn evaluate(
    rights: &[Right],
    answers: Vec<Result<bool, RequestError>>,
    settings: &KubernetesConfig,
) -> Vec<Finding> {
    let namespace = &settings.namespace;
    let mut found = Vec::new();
    for (right, answer) in rights.iter().zip(answers) {
        match answer {
            Ok(true) => {}
            Ok(false) => found.push(missing(right, namespace)),
            // The other requests fail for the same reason.
            Err(error) => return vec![advice::request_failed(CHECK, "check the rights", &error, settings)],
        }
    }
    if found.is_empty() {
        let text = format!("all {} rights in the namespace `{namespace}` are granted", rights.len());
        found.push(Finding::ok(CHECK, text));
    }
    found
}

fn missing(right: &Right, namespace: &str) -> Finding {
    let (verb, group, resource) = (right.verb, right.group, right.rule_resource());
    let advice = format!(
        "add to your Role: apiGroups: [\"{group}\"], resources: [\"{resource}\"], verbs: [\"{verb}\"] \
         (`cofferdam manifests` prints all rules)"
    );
    Finding::failed(
        CHECK,
        format!("you do not have the right to {verb} {resource} in the namespace `{namespace}`"),
        advice,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;

    #[test]
    fn each_missing_right_has_a_finding_with_its_rule() {
        let settings = KubernetesConfig::default();
        let rights = rights(settings.workload);
        let all = evaluate(&rights, rights.iter().map(|_| Ok(true)).collect(), &settings);
        assert_eq!(all.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Ok]);
        let none = evaluate(&rights, rights.iter().map(|_| Ok(false)).collect(), &settings);
        assert_eq!(none.len(), rights.len());
        let log = none.iter().find(|finding| finding.text.contains("pods/log")).expect("a line for the log");
        assert!(
            log.advice
                .as_ref()
                .is_some_and(|rule| rule.contains(r#"resources: ["pods/log"], verbs: ["get"]"#))
        );
        let silent =
            evaluate(&rights, rights.iter().map(|_| Err(RequestError::TimedOut)).collect(), &settings);
        assert_eq!(silent.len(), 1);
    }
}
