//! The backend of the core: executes plans in the cluster.

use crate::{
    api::{error, with_timeout},
    config::KubernetesConfig,
    connection::{ClusterSource, LazyCluster},
    error::SetupError,
    execution::{self, ExecutionContext, SharedRunner, WarmPod},
    manifest::{self, Identity},
};
use cofferdam_core::{
    Backend, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead,
    policy::{Plan, Policy, Profile},
};
use cofferdam_types::{Error, Report, Request};
use kube::api::ListParams;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time limit for the deletions that are still in progress at a shutdown.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(45);

/// Executes each plan in a Pod. It belongs to the tokio runtime of its first execution.
#[derive(Debug)]
pub struct KubernetesBackend {
    context: ExecutionContext,
}

impl KubernetesBackend {
    /// Finds the kubeconfig or the service account, and checks the overlay. It sends no request yet.
    ///
    /// # Errors
    ///
    /// [`SetupError`], naming the setting that is wrong.
    pub fn new(config: &KubernetesConfig, policy: &Policy) -> Result<Self, SetupError> {
        check_overlay(config, policy)?;
        let source = ClusterSource::find(config)?;
        Ok(Self {
            context: ExecutionContext {
                max_wall_time: policy.ceilings.wall_time,
                startup_timeout: policy.defaults.startup_time,
                runner: SharedRunner::new(&source.key(), &config.namespace),
                cluster: LazyCluster::new(source, config.clone()),
                cleanups: TaskTracker::new(),
                config: config.clone(),
            },
        })
    }

    /// Which cluster it uses.
    pub(crate) fn source(&self) -> &ClusterSource {
        &self.context.cluster.source
    }
}

/// Applies the overlay to the Pod of a short program, so that its errors are found at the start.
fn check_overlay(config: &KubernetesConfig, policy: &Policy) -> Result<(), SetupError> {
    let Ok(plan) = policy.plan(Request { code: "#".into(), ..Request::default() }) else { return Ok(()) };
    let template = manifest::template(config, &plan, Some(plan.program.code.len()), &Identity::placeholder());
    template.map(|_| ()).map_err(|error| SetupError::Overlay(error.to_string()))
}

impl Backend for KubernetesBackend {
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a> {
        Box::pin(execution::execute(&self.context, plan, run))
    }

    fn ready(&self) -> ReadyFuture<'_> {
        Box::pin(async {
            let cluster = self.context.cluster.get().await?;
            // Every execution reads Pods, and this is the cheapest request that needs the right to.
            let pods = with_timeout(cluster.pods.list_metadata(&ListParams::default().limit(1))).await;
            pods.map(|_| ()).map_err(|error| error::from_request("list Pods", &error, false))
        })
    }

    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {
            let cleanups = &self.context.cleanups;
            cleanups.close();
            if timeout(CLEANUP_TIMEOUT, cleanups.wait()).await.is_err() {
                tracing::warn!("objects of executions are not deleted yet; `cofferdam gc` deletes them");
            }
            cleanups.reopen();
        })
    }
}

impl StartsAhead for KubernetesBackend {
    type Sandbox = WarmPod;

    async fn start_ahead(
        &self,
        profile: &Profile,
        max_age: Duration,
        cancelled: &CancellationToken,
    ) -> Result<WarmPod, Error> {
        WarmPod::start(&self.context, profile, max_age, cancelled).await
    }

    async fn attends(&self, sandbox: &mut WarmPod) -> bool {
        sandbox.ping().await
    }

    async fn run_in(&self, sandbox: WarmPod, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        sandbox.execute(&self.context, plan, run).await
    }

    fn remove(&self, sandbox: WarmPod) {
        // Dropping it starts its deletion.
        drop(sandbox);
    }
}
