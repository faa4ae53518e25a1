//! Removing what processes that are gone have left in the namespace, and never a living one's run.

use super::{
    cluster::{Cluster, RequestError, bounded},
    cluster_clock::{ClusterClock, SKEW},
    manifest::{EXPIRES, MANAGED_BY, PROCESS, RUN},
    process::Process,
    refusal,
};
use jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Preconditions, PropagationPolicy},
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeSet, fmt::Debug};

/// Objects in one answer.
const PAGE: u32 = 500;

/// Removes what is garbage, and gives how many runs that were.
pub(super) async fn reap(cluster: &Cluster) -> Result<usize, RequestError> {
    let mut runs = BTreeSet::new();
    // Owners first: what they own goes with them. What cannot be removed is no reason to leave the rest.
    let jobs = reap_kind(&cluster.clock, &cluster.jobs, &mut runs).await;
    let pods = reap_kind(&cluster.clock, &cluster.pods, &mut runs).await;
    let config_maps = reap_kind(&cluster.clock, &cluster.config_maps, &mut runs).await;
    jobs.and(pods).and(config_maps).map(|()| runs.len())
}

async fn reap_kind<K>(clock: &ClusterClock, api: &Api<K>, runs: &mut BTreeSet<String>) -> Result<(), RequestError>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    // What belongs to no run, such as the shared runner, has no such label.
    let mut params = ListParams::default().labels(&format!("{}={},{RUN}", MANAGED_BY.0, MANAGED_BY.1)).limit(PAGE);
    let mut refused = Ok(());
    loop {
        let page = bounded(api.list_metadata(&params)).await?;
        let now = clock.now();
        for object in &page.items {
            if !is_garbage(object, now) {
                continue;
            }
            if object.meta().deletion_timestamp.is_none() {
                refused = refused.and(delete(api, &object.name_any(), object.uid()).await);
            }
            runs.extend(object.labels().get(RUN).cloned());
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return refused,
        }
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
    match bounded(api.delete(name, &params)).await {
        // Somebody else was faster.
        Err(RequestError::Kube(kube::Error::Api(status))) if refusal::is_not_there(&status) => Ok(()),
        answer => answer.map(|_| ()),
    }
}

/// Whether nobody can want it any longer: it is past its time, or its process was on this machine and is gone.
fn is_garbage(object: &impl Resource, now: Timestamp) -> bool {
    let annotation = |key: &str| object.annotations().get(key).cloned();
    let expired =
        annotation(EXPIRES).and_then(|time| time.parse::<Timestamp>().ok()).is_some_and(|time| time + SKEW < now);
    let orphaned = annotation(PROCESS).and_then(|process| process.parse::<Process>().ok()).is_some_and(|p| p.is_gone());
    expired || orphaned
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    fn is_garbage_with(annotations: &serde_json::Value) -> bool {
        let object = json!({ "metadata": { "name": "x", "annotations": annotations } });
        let now = "2030-01-01T00:00:00Z".parse().expect("a time");
        is_garbage(&serde_json::from_value::<ConfigMap>(object).expect("an object"), now)
    }

    #[test]
    fn only_what_is_past_its_time_or_orphaned_is_garbage() {
        let alive = Process::current().to_string();
        let gone = alive.rsplit_once('/').map(|(process, _)| format!("{process}/1")).expect("a process");
        assert!(is_garbage_with(&json!({ EXPIRES: "2029-12-31T23:57:59Z", PROCESS: alive })));
        assert!(is_garbage_with(&json!({ EXPIRES: "2030-01-01T00:01:00Z", PROCESS: gone })));
        assert!(!is_garbage_with(&json!({ EXPIRES: "2030-01-01T00:01:00Z", PROCESS: alive })));
        assert!(!is_garbage_with(&json!({ EXPIRES: "2030-01-01T00:01:00Z", PROCESS: "elsewhere/1/2" })));
        assert!(!is_garbage_with(&json!({})));
    }
}
