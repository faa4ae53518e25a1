//! Whether the cluster admits the objects of an execution: quotas, limit ranges, policies and webhooks answer
//! to a dry run.

use super::advice;
use crate::{
    api::{RequestError, with_timeout},
    config::{KubernetesConfig, Workload},
    manifest::{self, Identity, Source},
};
use cofferdam_core::{
    doctor::{Finding, Findings, probe},
    policy::Policy,
};
use cofferdam_types::{Error, ErrorCode};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Pod, PodTemplateSpec},
};
use kube::{Api, Client, Resource, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, time::Duration};

pub(super) const CHECK: &str = "admission";

/// Sends dry runs of the Job and its Pod, or of the bare Pod.
pub(super) async fn check(
    client: &Client,
    settings: &KubernetesConfig,
    policy: &Policy,
    findings: &mut Findings<'_>,
) -> bool {
    let objects = match objects(settings, policy) {
        Ok(objects) => objects,
        Err(error) => return findings.push(advice::execution_failed(CHECK, &error, settings)),
    };
    let job_result = match &objects.job {
        Some(job) => Some(dry_run(client, settings, job).await),
        None => None,
    };
    let pod_result = dry_run(client, settings, &objects.pod).await;
    findings.push(evaluate(job_result, pod_result, settings))
}

/// The objects of an execution.
struct Objects {
    job: Option<Job>,
    pod: Pod,
}

fn objects(settings: &KubernetesConfig, policy: &Policy) -> Result<Objects, Error> {
    let plan = probe::plan(policy, &[])?;
    let identity = Identity::placeholder();
    let template =
        manifest::template(settings, &plan.sandbox, Source::Volume(plan.exec.code.len()), &identity)
            .map_err(|error| {
                Error::new(ErrorCode::SandboxUnavailable, "the setting `pod_overlay` cannot be applied")
                    .with_detail(error)
            })?;
    let deadline = plan.exec.limits.startup_time().saturating_add(plan.exec.limits.wall_time());
    Ok(objects_of_workload(settings.workload, &identity, template, deadline))
}

fn objects_of_workload(
    workload: Workload,
    identity: &Identity,
    template: PodTemplateSpec,
    deadline: Duration,
) -> Objects {
    let mut pod = manifest::pod(identity, template.clone(), deadline);
    match workload {
        Workload::Pod => Objects { job: None, pod },
        Workload::Job => {
            // The Pod of a Job has no deadline, and the scopes of a quota depend on that.
            if let Some(spec) = &mut pod.spec {
                spec.active_deadline_seconds = None;
            }
            Objects { job: Some(manifest::job(identity, template, deadline)), pod }
        }
    }
}

async fn dry_run<K>(client: &Client, settings: &KubernetesConfig, object: &K) -> Result<(), RequestError>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), &settings.namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    with_timeout(api.create(&params, object)).await.map(|_| ())
}

/// With Jobs, the right to create Pods is not needed, so there may be no result for the Pod.
fn evaluate(
    job_result: Option<Result<(), RequestError>>,
    pod_result: Result<(), RequestError>,
    settings: &KubernetesConfig,
) -> Finding {
    match (job_result, pod_result) {
        (Some(Err(error)), _) => refused("create the Job of an execution", &error, settings),
        (Some(Ok(())), Err(error)) if lacks_right_to_create_pods(&error) => Finding::ok(
            CHECK,
            "the cluster admits the Job of an execution; whether it admits the Pod, an execution shows",
        ),
        (_, Err(error)) => refused("create the Pod of an execution", &error, settings),
        (Some(Ok(())), Ok(())) => {
            Finding::ok(CHECK, "the cluster admits the Job of an execution, and its Pod")
        }
        (None, Ok(())) => Finding::ok(CHECK, "the cluster admits the Pod of an execution"),
    }
}

fn refused(step: &str, error: &RequestError, settings: &KubernetesConfig) -> Finding {
    let message = advice::message(error);
    // A webhook with side effects does not answer to a dry run.
    if message.contains("does not support dry run") {
        return Finding::skipped(CHECK, format!("only an execution shows this: {message}"));
    }
    advice::request_failed(CHECK, step, error, settings)
}

fn lacks_right_to_create_pods(error: &RequestError) -> bool {
    let message = advice::message(error);
    advice::status(error) == Some(403) && message.contains("cannot create resource \"pods\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;
    use kube::core::Status;

    fn forbidden(message: &str) -> Result<(), RequestError> {
        Err(RequestError::Kube(kube::Error::Api(
            Status::failure(message, "Forbidden").with_code(403).boxed(),
        )))
    }

    #[test]
    fn a_refusal_is_reported_and_an_unneeded_right_is_not() {
        let settings = KubernetesConfig::default();
        let quota =
            || forbidden(r#"pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0"#);
        let no_right = || {
            forbidden(
                r#"pods is forbidden: User "a" cannot create resource "pods" in API group "" in the namespace "a""#,
            )
        };
        let webhook = || forbidden(r#"admission webhook "a" does not support dry run"#);
        for (job_result, pod_result, expected) in [
            (Some(Ok(())), Ok(()), Verdict::Ok),
            (None, Ok(()), Verdict::Ok),
            (Some(Ok(())), no_right(), Verdict::Ok),
            (None, no_right(), Verdict::Failed),
            (Some(Ok(())), quota(), Verdict::Failed),
            (Some(quota()), Ok(()), Verdict::Failed),
            (Some(webhook()), Ok(()), Verdict::Skipped),
        ] {
            let shown = format!("{job_result:?} {pod_result:?}");
            assert_eq!(evaluate(job_result, pod_result, &settings).verdict, expected, "{shown}");
        }
    }

    #[test]
    fn the_dry_run_has_the_objects_of_an_execution() {
        for (workload, has_job) in [(Workload::Job, true), (Workload::Pod, false)] {
            let settings = KubernetesConfig { workload, ..KubernetesConfig::default() };
            let objects = objects(&settings, &settings.policy(Policy::default())).expect("objects");
            assert_eq!(objects.job.is_some(), has_job);
            let spec = objects.pod.spec.expect("a spec");
            assert_eq!(spec.active_deadline_seconds.is_some(), !has_job);
            assert_eq!(spec.runtime_class_name.as_deref(), Some("gvisor"));
        }
    }
}
