//! Whether the cluster would take the objects of a run: quotas, limit ranges, policies and webhooks answer to a request
//! whose effect is not kept.

use super::{
    super::{
        cluster::{RequestError, bounded},
        manifest::{self, Identity},
        process::Process,
    },
    advice, probe,
};
use crate::config::{KubernetesConfig, Workload};
use cofferdam_core::doctor::{Finding, Findings};
use cofferdam_core::{new_id, policy::Policy};
use cofferdam_types::{Error, ErrorCode};
use jiff::Timestamp;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Pod, PodTemplateSpec},
};
use kube::{Api, Client, Resource, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, time::Duration};

pub(super) const CHECK: &str = "admission";

/// Has the cluster look at a Job and its Pod, or at the Pod alone, as a run would make them.
pub(super) async fn check(
    client: &Client,
    settings: &KubernetesConfig,
    policy: &Policy,
    findings: &mut Findings<'_>,
) -> bool {
    let objects = match objects(settings, policy) {
        Ok(objects) => objects,
        Err(error) => return findings.push(advice::of_run(CHECK, &error, settings)),
    };
    let of_job = match &objects.job {
        Some(job) => Some(would_create(client, settings, job).await),
        None => None,
    };
    let of_pod = would_create(client, settings, &objects.pod).await;
    findings.push(judge(of_job, of_pod, settings))
}

/// What a run would make.
struct Objects {
    job: Option<Job>,
    pod: Pod,
}

fn objects(settings: &KubernetesConfig, policy: &Policy) -> Result<Objects, Error> {
    let plan = probe::plan(policy, &[])?;
    let identity = Identity {
        id: new_id(),
        sidecar: String::new(),
        labels: Vec::new(),
        expires: Timestamp::now(),
        process: Process::current().clone(),
    };
    let template = manifest::template(settings, &plan, Some(plan.program.code.len()), &identity).map_err(|error| {
        Error::new(ErrorCode::SandboxUnavailable, "the setting `pod_overlay` cannot be applied").with_detail(error)
    })?;
    let deadline = plan.limits.startup_time.saturating_add(plan.limits.wall_time);
    Ok(of_workload(settings.workload, &identity, template, deadline))
}

fn of_workload(workload: Workload, identity: &Identity, template: PodTemplateSpec, deadline: Duration) -> Objects {
    let mut pod = manifest::pod(identity, template.clone(), deadline);
    match workload {
        Workload::Pod => Objects { job: None, pod },
        Workload::Job => {
            // A Job keeps its deadline to itself; quotas may tell Pods with one from others.
            if let Some(spec) = &mut pod.spec {
                spec.active_deadline_seconds = None;
            }
            Objects { job: Some(manifest::job(identity, template, deadline)), pod }
        }
    }
}

async fn would_create<K>(client: &Client, settings: &KubernetesConfig, object: &K) -> Result<(), RequestError>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), &settings.namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    bounded(api.create(&params, object)).await.map(|_| ())
}

/// Nobody who runs Jobs needs to be allowed to make a Pod, so that there may be no answer about it.
fn judge(
    of_job: Option<Result<(), RequestError>>,
    of_pod: Result<(), RequestError>,
    settings: &KubernetesConfig,
) -> Finding {
    match (of_job, of_pod) {
        (Some(Err(error)), _) => refused("create the Job of a run", &error, settings),
        (Some(Ok(())), Err(error)) if is_only_forbidden_to_us(&error) => {
            Finding::ok(CHECK, "the cluster would take the Job of a run; what it says to the Pod, a run will tell")
        }
        (_, Err(error)) => refused("create the Pod of a run", &error, settings),
        (Some(Ok(())), Ok(())) => Finding::ok(CHECK, "the cluster would take the Job of a run, and its Pod"),
        (None, Ok(())) => Finding::ok(CHECK, "the cluster would take the Pod of a run"),
    }
}

fn refused(step: &str, error: &RequestError, settings: &KubernetesConfig) -> Finding {
    let words = advice::words(error);
    // A webhook that changes something besides the object cannot be asked without that.
    if words.contains("does not support dry run") {
        return Finding::skipped(CHECK, format!("a run will tell: {words}"));
    }
    advice::of_request(CHECK, step, error, settings)
}

fn is_only_forbidden_to_us(error: &RequestError) -> bool {
    let words = advice::words(error);
    advice::status(error) == Some(403) && words.contains("cannot create resource \"pods\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;
    use kube::core::Status;

    fn forbidden(message: &str) -> Result<(), RequestError> {
        Err(RequestError::Kube(kube::Error::Api(Status::failure(message, "Forbidden").with_code(403).boxed())))
    }

    #[test]
    fn a_refusal_is_told_and_a_right_that_is_not_needed_is_not_missed() {
        let settings = KubernetesConfig::default();
        let quota = || forbidden(r#"pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0"#);
        let no_right = || {
            forbidden(
                r#"pods is forbidden: User "a" cannot create resource "pods" in API group "" in the namespace "a""#,
            )
        };
        let webhook = || forbidden(r#"admission webhook "a" does not support dry run"#);
        for (of_job, of_pod, expected) in [
            (Some(Ok(())), Ok(()), Verdict::Ok),
            (None, Ok(()), Verdict::Ok),
            (Some(Ok(())), no_right(), Verdict::Ok),
            (None, no_right(), Verdict::Failed),
            (Some(Ok(())), quota(), Verdict::Failed),
            (Some(quota()), Ok(()), Verdict::Failed),
            (Some(webhook()), Ok(()), Verdict::Skipped),
        ] {
            let shown = format!("{of_job:?} {of_pod:?}");
            assert_eq!(judge(of_job, of_pod, &settings).verdict, expected, "{shown}");
        }
    }

    #[test]
    fn what_is_asked_for_is_what_a_run_makes() {
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
