//! Deletes what dead processes have left in the namespace. Objects of a living process are never deleted.

use crate::{
    api::{
        RequestError, error,
        server_time::{MAX_CLOCK_SKEW, ServerTime},
        with_timeout,
    },
    config::KubernetesConfig,
    connection::{Cluster, ClusterSource},
    error::GarbageError,
    manifest::{EXECUTION_LABEL, EXPIRES_ANNOTATION, MANAGED_BY_LABEL, PROCESS_ANNOTATION, Process},
};
use jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Preconditions, PropagationPolicy},
};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
};

/// Objects in one answer.
const PAGE_SIZE: u32 = 500;

/// Deletes from the namespace what dead processes have left, and returns the number of executions that it
/// belonged to.
///
/// # Errors
///
/// [`GarbageError`] if the cluster cannot be reached, or if something could not be deleted.
pub async fn collect_garbage(config: &KubernetesConfig) -> Result<usize, GarbageError> {
    let source = ClusterSource::find(config)?;
    let cluster = Cluster::connect(&source, config).await.map_err(RequestError::from)?;
    Ok(delete_garbage(&cluster).await?)
}

async fn delete_garbage(cluster: &Cluster) -> Result<usize, RequestError> {
    let mut garbage = Garbage::default();
    // Owners first: the cluster deletes with them what they own. A failure does not stop the other kinds.
    let jobs = garbage.delete_kind(&cluster.server_time, &cluster.jobs).await;
    let pods = garbage.delete_kind(&cluster.server_time, &cluster.pods).await;
    let config_maps = garbage.delete_kind(&cluster.server_time, &cluster.config_maps).await;
    jobs.and(pods).and(config_maps).map(|()| garbage.executions.len())
}

/// What is left over at one time. An execution is left over as a whole or not at all: a process that ends
/// between two kinds of objects would otherwise leave a Job without its Pod.
#[derive(Default)]
struct Garbage {
    /// The cluster's time at its first answer, before which it is not known.
    now: Option<Timestamp>,
    /// Whether a process had ended when it was first met.
    ended: HashMap<Process, bool>,
    /// The executions whose objects were deleted.
    executions: BTreeSet<String>,
}

impl Garbage {
    async fn delete_kind<K>(&mut self, clock: &ServerTime, api: &Api<K>) -> Result<(), RequestError>
    where
        K: Resource + Clone + DeserializeOwned + Debug,
    {
        // The shared runner belongs to no execution and does not have the second label.
        let (managed_by, cofferdam) = MANAGED_BY_LABEL;
        let selector = format!("{managed_by}={cofferdam},{EXECUTION_LABEL}");
        let mut params = ListParams::default().labels(&selector).limit(PAGE_SIZE);
        let mut result = Ok(());
        loop {
            let page = with_timeout(api.list_metadata(&params)).await?;
            let now = *self.now.get_or_insert_with(|| clock.now());
            for object in &page.items {
                if !self.includes(object, now) {
                    continue;
                }
                if object.meta().deletion_timestamp.is_none() {
                    result = result.and(delete(api, &object.name_any(), object.uid()).await);
                }
                self.executions.extend(object.labels().get(EXECUTION_LABEL).cloned());
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return result,
            }
        }
    }

    /// Whether an object has expired, or its process was on this machine and has ended.
    fn includes(&mut self, object: &impl Resource, now: Timestamp) -> bool {
        let annotation = |key: &str| object.annotations().get(key).cloned();
        let expires = annotation(EXPIRES_ANNOTATION).and_then(|time| time.parse::<Timestamp>().ok());
        let process = annotation(PROCESS_ANNOTATION).and_then(|process| process.parse::<Process>().ok());
        expires.is_some_and(|time| time + MAX_CLOCK_SKEW < now)
            || process.is_some_and(|process| self.has_ended(process))
    }

    fn has_ended(&mut self, process: Process) -> bool {
        *self.ended.entry(process).or_insert_with_key(Process::has_ended)
    }
}

async fn delete<K>(api: &Api<K>, name: &str, uid: Option<String>) -> Result<(), RequestError>
where
    K: Clone + DeserializeOwned + Debug,
{
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid, resource_version: None }),
        ..DeleteParams::default()
    };
    match with_timeout(api.delete(name, &params)).await {
        Err(error) if !error::is_not_found(&error) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    fn is_garbage_with(annotations: &serde_json::Value) -> bool {
        let object = json!({ "metadata": { "name": "x", "annotations": annotations } });
        let now = "2030-01-01T00:00:00Z".parse().expect("a time");
        let object = serde_json::from_value::<ConfigMap>(object).expect("an object");
        Garbage::default().includes(&object, now)
    }

    #[test]
    fn only_objects_that_expired_or_whose_process_ended_are_garbage() {
        let alive = Process::current().to_string();
        let ended = alive.rsplit_once('/').map(|(process, _)| format!("{process}/1")).expect("a process");
        assert!(is_garbage_with(
            &json!({ EXPIRES_ANNOTATION: "2029-12-31T23:57:59Z", PROCESS_ANNOTATION: alive })
        ));
        assert!(is_garbage_with(
            &json!({ EXPIRES_ANNOTATION: "2030-01-01T00:01:00Z", PROCESS_ANNOTATION: ended })
        ));
        assert!(!is_garbage_with(
            &json!({ EXPIRES_ANNOTATION: "2030-01-01T00:01:00Z", PROCESS_ANNOTATION: alive })
        ));
        assert!(!is_garbage_with(
            &json!({ EXPIRES_ANNOTATION: "2030-01-01T00:01:00Z", PROCESS_ANNOTATION: "elsewhere/1/2" })
        ));
        assert!(!is_garbage_with(&json!({})));
    }
    #[test]
    fn a_process_that_ends_meanwhile_is_taken_as_alive() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a process");
        let process = Process::of(child.id());
        let mut garbage = Garbage::default();
        assert!(!garbage.has_ended(process.clone()));
        child.kill().expect("a signal");
        child.wait().expect("an end");
        assert!(!garbage.has_ended(process.clone()));
        assert!(Garbage::default().has_ended(process));
    }
}
