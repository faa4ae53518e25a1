//! The backend: creates sandboxes in the cluster.

use crate::{
    api::{error, with_timeout},
    config::{KubernetesConfig, Workload},
    connection::{ClusterSource, LazyCluster},
    error::SetupError,
    execution::{BackendContext, KubernetesSandbox, SESSION_SLACK, SharedRunner},
    manifest::{self, Identity, Source},
};
use cofferdam_core::{Backend, BoxFuture, Purpose, Sandbox, policy::Policy, spec::SandboxSpec};
use cofferdam_types::{Error, Request};
use kube::api::ListParams;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Time limit for the deletions that are still in progress at a shutdown.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(45);

/// Creates each sandbox as a Pod. It belongs to the tokio runtime of its first execution.
#[derive(Debug)]
pub struct KubernetesBackend {
    context: Arc<BackendContext>,
    max_session_lifetime: Duration,
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
            max_session_lifetime: Duration::ZERO,
            context: Arc::new(BackendContext {
                max_wall_time: policy.ceilings.wall_time(),
                startup_timeout: policy.defaults.startup_time(),
                runner: SharedRunner::new(&source.key(), &config.namespace),
                cluster: LazyCluster::new(source, config.clone()),
                cleanups: TaskTracker::new(),
                config: config.clone(),
            }),
        })
    }

    /// The same for sessions that live so long. Without, a prewarmed Pod that belongs to no Job may end too early to be
    /// one.
    #[must_use]
    pub fn with_session_lifetime(self, max_session_lifetime: Duration) -> Self {
        Self { max_session_lifetime, ..self }
    }

    /// How long a prewarmed Pod may be in use. The deadline of a Job can still be moved when it becomes a session.
    fn longest_use(&self) -> Duration {
        let session = match self.context.config.workload {
            Workload::Job => Duration::ZERO,
            Workload::Pod => self.max_session_lifetime.saturating_add(SESSION_SLACK),
        };
        self.context.max_wall_time.max(session)
    }

    /// Which cluster it uses.
    pub(crate) fn source(&self) -> &ClusterSource {
        &self.context.cluster.source
    }
}

/// Applies the overlay to the Pod of a short program, so that its errors are found at the start.
fn check_overlay(config: &KubernetesConfig, policy: &Policy) -> Result<(), SetupError> {
    let Ok(plan) = policy.plan(Request { code: "#".into(), ..Request::default() }) else { return Ok(()) };
    let template = manifest::template(
        config,
        &plan.sandbox,
        Source::Volume(plan.exec.code.len()),
        &Identity::placeholder(),
    );
    template.map(|_| ()).map_err(|error| SetupError::Overlay(error.to_string()))
}

impl Backend for KubernetesBackend {
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
        purpose: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async move {
            let (context, spec) = (self.context.clone(), spec.clone());
            let sandbox = match purpose {
                Purpose::Execution(_) => KubernetesSandbox::cold(context, spec),
                Purpose::Pool { max_age, cancelled } => {
                    KubernetesSandbox::for_pool(context, spec, (max_age, self.longest_use()), cancelled)
                        .await?
                }
                Purpose::Session { context: run, max_lifetime } => {
                    KubernetesSandbox::for_session(context, spec, max_lifetime, run).await?
                }
            };
            Ok(Box::new(sandbox) as Box<dyn Sandbox>)
        })
    }

    fn has_sessions(&self) -> bool {
        true
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let cluster = self.context.cluster.get().await?;
            // Every execution reads Pods, and this is the cheapest request that needs the right to.
            let pods = with_timeout(cluster.pods.list_metadata(&ListParams::default().limit(1))).await;
            pods.map(|_| ()).map_err(|error| error::from_request("list Pods", &error, false))
        })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
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
