//! The environment of the cases: a namespace of a real API server, and the node on which its Pods are
//! scheduled.

use cofferdam::config::{BackendChoice, PoolConfig, Seconds, Settings, Workload};
use cofferdam_tests::{
    cluster::{FakeNode, Namespace, eventually},
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

/// Startup timeout and time limit of the programs.
pub(crate) const STARTUP_TIMEOUT: Duration = Duration::from_secs(20);
pub(crate) const WALL_TIME: Duration = Duration::from_secs(10);
/// Label of the Pods of one plan.
pub(crate) const PLAN_LABEL: &str = "faults.cofferdam.dev/plan";

pub(crate) struct Env {
    pub(crate) namespace: Namespace,
    /// Without a fake node, Pods are scheduled on the real node.
    pub(crate) fake_node: Option<FakeNode>,
}

impl Env {
    /// How often the program with this mark was executed. On the real node this counts all programs of the
    /// runs `ids`.
    pub(crate) async fn executions(&self, mark: &str, ids: &BTreeSet<String>) -> Result<usize, Failure> {
        if let Some(fake_node) = &self.fake_node {
            return Ok(fake_node.marks()?.get(mark).copied().unwrap_or_default());
        }
        // A program in gVisor cannot write its mark to a file of the machine, so this counts started
        // containers.
        let events = self.namespace.objects::<Event>();
        let events = retry(async || Ok(events.list(&ListParams::default()).await?)).await?;
        let started: BTreeSet<_> = events
            .items
            .into_iter()
            .filter(|event| event.reason.as_deref() == Some("Started"))
            .map(|event| event.involved_object)
            .filter(|pod| {
                ids.iter().any(|id| pod.name.as_deref().unwrap_or_default().starts_with(id.as_str()))
            })
            .map(|pod| pod.uid)
            .collect();
        Ok(started.len())
    }

    /// The kubeconfig of a sidecar with this workload.
    pub(crate) fn kubeconfig(&self, workload: Workload) -> PathBuf {
        match workload {
            Workload::Job => self.namespace.kubeconfig(),
            Workload::Pod => self.namespace.kubeconfig_for_pods(),
        }
    }

    /// Settings of the sidecar of one plan.
    pub(crate) fn settings(&self, kubeconfig: PathBuf, workload: Workload, plan: u64) -> Settings {
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(kubeconfig),
            namespace: self.namespace.name.clone(),
            workload,
            startup_timeout_seconds: Seconds(STARTUP_TIMEOUT),
            timeout_seconds: Seconds(WALL_TIME),
            pod_labels: [(PLAN_LABEL.to_owned(), plan.to_string())].into(),
            pool: PoolConfig { maximum: Some(1), ..PoolConfig::default() },
            ..Settings::default()
        };
        match &self.fake_node {
            Some(fake_node) => fake_node.schedule_here(settings),
            None => settings,
        }
    }

    /// The settings file of a `cofferdam serve`.
    pub(crate) fn settings_file(&self, kubeconfig: &Path, workload: Workload) -> Result<String, Failure> {
        let workload = if workload == Workload::Job { "job" } else { "pod" };
        let fake_node = self.fake_node.as_ref().ok_or("this test needs the fake node")?;
        let settings = fake_node.settings_file(kubeconfig, &self.namespace.name, workload);
        let (startup, wall) = (STARTUP_TIMEOUT.as_secs(), WALL_TIME.as_secs());
        Ok(format!("{settings}startup_timeout_seconds = {startup}\ntimeout_seconds = {wall}\n"))
    }

    /// Jobs and Pods of these runs that have not been deleted.
    pub(crate) async fn undeleted(&self, ids: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
        let mut names = undeleted_names::<Job>(&self.namespace.objects()).await?;
        names.extend(undeleted_names::<Pod>(&self.namespace.objects()).await?);
        Ok(names.into_iter().filter(|name| ids.contains(name)).collect())
    }

    /// Objects of these runs that exist, including those that are being deleted.
    pub(crate) async fn remaining(&self, ids: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
        let objects = retry(|| self.namespace.remaining_objects()).await?;
        Ok(objects.into_iter().filter(|name| ids.iter().any(|id| name.contains(id.as_str()))).collect())
    }
}

/// Names of objects without a deletion timestamp.
async fn undeleted_names<K>(api: &Api<K>) -> Result<Vec<String>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let found = retry(async || Ok(api.list_metadata(&ListParams::default()).await?)).await?;
    let undeleted = found.items.iter().filter(|object| object.meta().deletion_timestamp.is_none());
    Ok(undeleted.map(ResourceExt::name_any).collect())
}

/// Retries a request, because the API server may have been restarted.
async fn retry<T: Debug, F: Future<Output = Result<T, Failure>>>(
    request: impl Fn() -> F,
) -> Result<T, Failure> {
    let response = eventually(async || Ok(request().await.ok()), Option::is_some).await?;
    response.ok_or_else(|| "the API server does not respond".into())
}
