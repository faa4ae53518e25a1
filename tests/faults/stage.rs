//! Where plans are carried out: a namespace of the real API server, and the node that its Pods are sent to.

use cofferdam::config::{BackendChoice, PoolConfig, Seconds, Settings, Workload};
use cofferdam_tests::{
    cluster::{Hollow, Namespace, eventually},
    conformance::Failure,
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Event, Pod},
};
use kube::{Api, Resource, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fmt::Debug,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a program may take to start, and to run.
pub(crate) const STARTUP: Duration = Duration::from_secs(20);
pub(crate) const WALL: Duration = Duration::from_secs(10);
/// Label of the Pods of one plan.
pub(crate) const PLAN: &str = "faults.cofferdam.dev/plan";

pub(crate) struct Stage {
    pub(crate) namespace: Namespace,
    /// Without it, Pods go to the real node.
    pub(crate) hollow: Option<Hollow>,
}

impl Stage {
    /// How often the program of a mark was executed, at the most, where it was the only one of these runs.
    pub(crate) async fn executions(&self, mark: &str, ids: &BTreeSet<String>) -> Result<usize, Failure> {
        if let Some(hollow) = &self.hollow {
            return Ok(hollow.marks()?.get(mark).copied().unwrap_or_default());
        }
        // What runs in gVisor cannot leave a mark outside. Its container is started first, and a kubelet says so.
        let events = self.namespace.objects::<Event>();
        let events = persistently(async || Ok(events.list(&ListParams::default()).await?)).await?;
        let started: BTreeSet<_> = events
            .items
            .into_iter()
            .filter(|event| event.reason.as_deref() == Some("Started"))
            .map(|event| event.involved_object)
            .filter(|pod| ids.iter().any(|id| pod.name.as_deref().unwrap_or_default().starts_with(id.as_str())))
            .map(|pod| pod.uid)
            .collect();
        Ok(started.len())
    }

    /// The way to the cluster for runs of this kind.
    pub(crate) fn kubeconfig(&self, workload: Workload) -> PathBuf {
        match workload {
            Workload::Job => self.namespace.kubeconfig(),
            Workload::Pod => self.namespace.kubeconfig_for_pods(),
        }
    }

    /// Those of a sidecar for one plan, by that way.
    pub(crate) fn settings(&self, kubeconfig: PathBuf, workload: Workload, plan: u64) -> Settings {
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(kubeconfig),
            namespace: self.namespace.name.clone(),
            workload,
            startup_timeout_seconds: Seconds(STARTUP),
            timeout_seconds: Seconds(WALL),
            pod_labels: [(PLAN.to_owned(), plan.to_string())].into(),
            pool: PoolConfig { maximum: Some(1), ..PoolConfig::default() },
            ..Settings::default()
        };
        match &self.hollow {
            Some(hollow) => hollow.chosen_by(settings),
            None => settings,
        }
    }

    /// A file of settings for `cofferdam serve` by this way.
    pub(crate) fn settings_file(&self, kubeconfig: &Path, workload: Workload) -> Result<String, Failure> {
        let workload = if workload == Workload::Job { "job" } else { "pod" };
        let hollow = self.hollow.as_ref().ok_or("there is no other node for so many")?;
        let chosen = hollow.settings_file(kubeconfig, &self.namespace.name, workload);
        Ok(format!("{chosen}startup_timeout_seconds = {}\ntimeout_seconds = {}\n", STARTUP.as_secs(), WALL.as_secs()))
    }

    /// Which of these runs have an object that nobody has told to go.
    pub(crate) async fn kept(&self, ids: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
        let mut kept = told_to_stay::<Job>(&self.namespace.objects()).await?;
        kept.extend(told_to_stay::<Pod>(&self.namespace.objects()).await?);
        Ok(kept.into_iter().filter(|name| ids.contains(name)).collect())
    }

    /// What is there of these runs in any way.
    pub(crate) async fn left(&self, ids: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
        let left = persistently(|| self.namespace.left()).await?;
        Ok(left.into_iter().filter(|name| ids.iter().any(|id| name.contains(id.as_str()))).collect())
    }
}

/// Names of objects that are not being deleted.
async fn told_to_stay<K>(api: &Api<K>) -> Result<Vec<String>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let found = persistently(async || Ok(api.list_metadata(&ListParams::default()).await?)).await?;
    let stay = found.items.iter().filter(|object| object.meta().deletion_timestamp.is_none());
    Ok(stay.map(ResourceExt::name_any).collect())
}

/// Asks again where the API server has just been started again.
async fn persistently<T: Debug, F: Future<Output = Result<T, Failure>>>(ask: impl Fn() -> F) -> Result<T, Failure> {
    let answered = eventually(async || Ok(ask().await.ok()), Option::is_some).await?;
    answered.ok_or_else(|| "the API server does not answer".into())
}
