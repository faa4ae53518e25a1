//! Sandboxes of a cluster: a Job and its gVisor Pod for each run, with a ConfigMap that brings the program.

mod cluster;
mod cluster_clock;
mod condition;
pub mod config;
mod connect;
mod creation;
mod credential_program;
pub mod doctor;
mod event_watch;
mod follow;
mod image;
mod inquiry;
pub mod install;
mod joining;
mod manifest;
mod pod_watch;
mod process;
#[cfg(any(test, fuzzing))]
mod promises;
mod reaper;
mod refusal;
mod removal;
mod run;
mod shared_runner;
mod start;
mod subscribers;
mod survey;
mod told;
mod waiting;
mod watching;

use cluster::{Cluster, RequestError, bounded};
use cofferdam_core::{
    Backend, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead, new_id,
    policy::{Plan, Policy, Profile},
};
use cofferdam_types::quoted;
use cofferdam_types::{Error, ErrorCode, Report, Request};
pub use config::{KubernetesConfig, Network, Toleration, Workload};
use connect::Source;
use jiff::Timestamp;
use kube::{api::ListParams, config::KubeconfigError};
use manifest::Identity;
use process::Process;
use shared_runner::SharedRunner;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::OnceCell, task::spawn_blocking, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use waiting::Waiting;
#[cfg(any(test, fuzzing))]
pub use {
    manifest::overlay,
    promises::{events, pods},
};

/// How long a program that fetches credentials may take.
const CREDENTIALS: Duration = Duration::from_secs(30);
/// How long removals may take that nobody waited for.
const FAREWELL: Duration = Duration::from_secs(45);

/// Runs each plan in a Pod. It belongs to the tokio runtime of its first run.
#[derive(Debug)]
pub struct KubernetesBackend {
    settings: KubernetesConfig,
    /// Time that a program may have at the most, and that a start may take by default.
    max_wall_time: Duration,
    startup_time: Duration,
    source: Source,
    cluster: OnceCell<Arc<Cluster>>,
    runner: SharedRunner,
    /// What is being removed beside the answers.
    removals: TaskTracker,
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file that was named is none.
    #[error("the setting `kubeconfig_path` names {}, which cannot be used: {source}", path.display())]
    KubeconfigPath {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<KubeconfigError>,
    },
    /// The user has none.
    #[error(
        "there is no cluster to use: this is not a Pod of one, and your own kubeconfig cannot be used ({source}); name \
         one with --kubeconfig, or use `--backend local`"
    )]
    NoKubeconfig {
        /// What is wrong with it.
        source: Box<KubeconfigError>,
    },
    /// The context that was named is not there.
    #[error("the setting `kubeconfig_context` names {context:?}, which the kubeconfig does not have; it has: {known}")]
    NoContext {
        /// The context.
        context: String,
        /// Those that are there.
        known: String,
    },
    /// No context was named.
    #[error("the kubeconfig has no current context; name one with --context; it has: {known}")]
    NoCurrentContext {
        /// Those that are there.
        known: String,
    },
    /// A program that fetches credentials is not there.
    #[error(
        "the kubeconfig names the program {} for its credentials, which no folder of PATH has; install it, or name its path in \
         the kubeconfig",
        quoted(program)
    )]
    NoCredentialProgram {
        /// The program.
        program: String,
    },
    /// The overlay is not one, or weakens the sandbox.
    #[error("the setting `pod_overlay` cannot be used: {0}")]
    Overlay(String),
}

impl KubernetesBackend {
    /// Finds the way to the cluster. Nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// [`SetupError`], naming the setting that is wrong.
    pub fn new(settings: &KubernetesConfig, policy: &Policy) -> Result<Self, SetupError> {
        check_overlay(settings, policy)?;
        let source = Source::find(settings)?;
        let runner = SharedRunner::new(&source.name(), &settings.namespace);
        let settings = settings.clone();
        let (max_wall_time, startup_time) = (policy.ceilings.wall_time, policy.defaults.startup_time);
        Ok(Self {
            settings,
            max_wall_time,
            startup_time,
            source,
            cluster: OnceCell::new(),
            runner,
            removals: TaskTracker::new(),
        })
    }

    async fn cluster(&self) -> Result<Arc<Cluster>, Error> {
        let connect = async || {
            let (source, settings, runtime) = (self.source.clone(), self.settings.clone(), Handle::current());
            // A kubeconfig may name a program that fetches credentials, which kube waits for without letting others go on.
            let connected = spawn_blocking(move || runtime.block_on(Cluster::connect(&source, &settings)));
            match timeout(CREDENTIALS, connected).await {
                Ok(Ok(connected)) => connected.map(Arc::new).map_err(|error| unusable(&error)),
                Ok(Err(error)) => Err(Error::internal("the cluster cannot be used", error)),
                Err(_) => {
                    let text = "the credentials for the cluster did not come in time";
                    Err(Error::new(ErrorCode::Unreachable, text).retryable())
                }
            }
        };
        self.cluster.get_or_try_init(connect).await.cloned()
    }
}

/// Applies the overlay to the Pod of a program like any other, so that what is wrong with it is told before there is one.
fn check_overlay(settings: &KubernetesConfig, policy: &Policy) -> Result<(), SetupError> {
    let Ok(plan) = policy.plan(Request { code: "#".into(), ..Request::default() }) else { return Ok(()) };
    let identity = Identity {
        id: new_id(),
        sidecar: String::new(),
        labels: Vec::new(),
        expires: Timestamp::now(),
        process: Process::current().clone(),
    };
    let template = manifest::template(settings, &plan, Some(plan.program.code.len()), &identity);
    template.map(|_| ()).map_err(|error| SetupError::Overlay(error.to_string()))
}

/// The way to the cluster leads nowhere, whatever is asked of it.
fn unusable(error: &kube::Error) -> Error {
    if refusal::is_of_credentials(error) {
        let text = "the credentials for the cluster cannot be had; the operator's log says why";
        return Error::new(ErrorCode::Unauthorised, text).with_detail(error);
    }
    let text = "the way to the cluster cannot be used: its kubeconfig or service account is broken";
    Error::new(ErrorCode::Unreachable, text).with_detail(error)
}

impl Backend for KubernetesBackend {
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a> {
        Box::pin(run::run(self, plan, run))
    }

    fn ready(&self) -> ReadyFuture<'_> {
        Box::pin(async {
            let cluster = self.cluster().await?;
            // What a run reads most, and the cheapest question that needs its rights.
            let pods = bounded(cluster.pods.list_metadata(&ListParams::default().limit(1))).await;
            pods.map(|_| ()).map_err(|error| refusal::of_request("list Pods", &error, false))
        })
    }

    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {
            self.removals.close();
            if timeout(FAREWELL, self.removals.wait()).await.is_err() {
                tracing::warn!("what runs left in the cluster is not removed yet; `cofferdam gc` will");
            }
            self.removals.reopen();
        })
    }
}

impl StartsAhead for KubernetesBackend {
    type Sandbox = Waiting;

    async fn start_ahead(
        &self,
        profile: &Profile,
        max_age: Duration,
        cancelled: &CancellationToken,
    ) -> Result<Waiting, Error> {
        Waiting::start(self, profile, max_age, cancelled).await
    }

    async fn attends(&self, sandbox: &mut Waiting) -> bool {
        sandbox.attends().await
    }

    async fn run_in(&self, sandbox: Waiting, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        sandbox.run(self, plan, run).await
    }

    fn remove(&self, sandbox: Waiting) {
        // That begins it.
        drop(sandbox);
    }
}

/// Removes from the namespace what processes that are gone have left, and gives how many runs that were.
///
/// # Errors
///
/// [`GarbageError`] for a cluster that cannot be reached, else what could not be removed.
pub async fn collect_garbage(settings: &KubernetesConfig) -> Result<usize, GarbageError> {
    let source = Source::find(settings)?;
    let cluster = Cluster::connect(&source, settings).await.map_err(RequestError::from)?;
    Ok(reaper::reap(&cluster).await?)
}

/// Why garbage could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum GarbageError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The cluster refused, or did not answer.
    #[error("what an earlier run left in the cluster could not be removed: {0}")]
    Request(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RequestError> for GarbageError {
    fn from(error: RequestError) -> Self {
        Self::Request(error.into())
    }
}
