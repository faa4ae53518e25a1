//! The sidecar of a plan, and what happens to it and its sandboxes.

use super::{
    client::Client,
    limits,
    plan::{Fault, Plan},
};
use crate::{CACHE, HAS_CACHE, env::Env, node};
use cofferdam::config::Workload;
use cofferdam_tests::{
    cluster::{Action, ApiRequest, Proxy, eventually},
    conformance::Failure,
    leaks::leaked_resources,
    processes::sandbox_processes,
    program::TestDir,
    sidecar::Sidecar,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use rustix::process::{Signal, kill_process};
use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};

/// Maximum duration of a shutdown: the grace period and the deletions.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(75);

/// Where the sessions are.
#[derive(Clone)]
pub(crate) enum Place {
    /// On this machine.
    Local,
    Cluster(Arc<Env>),
}

/// A sidecar and its surroundings.
pub(super) struct Host {
    surroundings: Surroundings,
    /// None only while it is being replaced.
    sidecar: Option<Sidecar>,
    client: Client,
}

struct Surroundings {
    place: Place,
    dir: Arc<TestDir>,
    /// Between the sidecar and the API server.
    proxy: Option<Proxy>,
    is_warm: bool,
}

impl Host {
    /// Starts a sidecar.
    pub(super) async fn start(place: &Place, plan: &Plan) -> Result<Self, Failure> {
        let dir = Arc::new(TestDir::new());
        let proxy = match place {
            Place::Local => None,
            Place::Cluster(env) => {
                let kubeconfig = env.kubeconfig(Workload::Job);
                Some(Proxy::start(&kubeconfig, dir.path(), script(plan.fault.clone())).await?)
            }
        };
        let surroundings = Surroundings { place: place.clone(), dir, proxy, is_warm: plan.is_warm };
        let (sidecar, client) = surroundings.start_sidecar().await?;
        Ok(Self { surroundings, sidecar: Some(sidecar), client })
    }

    /// A client of the present sidecar.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Whether the sandboxes are Pods.
    pub(super) fn is_in_cluster(&self) -> bool {
        matches!(self.surroundings.place, Place::Cluster(_))
    }

    /// How many connections to Pods of sessions were made.
    pub(super) fn pod_connections(&self) -> usize {
        let requests = self.surroundings.proxy.iter().flat_map(Proxy::requests);
        requests.filter(is_pod_connection).count()
    }

    /// Makes a fault happen, unless it is one of the API server's responses.
    pub(super) async fn cause(&mut self, fault: &Fault) -> Result<(), Failure> {
        match fault {
            Fault::None | Fault::SlowApiServer(_) | Fault::CutPod(_) => Ok(()),
            Fault::EndRunner => self.surroundings.end_runners().await,
            Fault::KillSidecar => self.replace_sidecar().await,
            Fault::RestartKubelet => node::restart("kubelet"),
        }
    }

    /// Kills the sidecar and starts another one.
    async fn replace_sidecar(&mut self) -> Result<(), Failure> {
        if let Some(killed) = self.sidecar.take() {
            killed.signal(Signal::KILL);
            spawn_blocking(|| killed.end()).await?;
        }
        let (sidecar, client) = self.surroundings.start_sidecar().await?;
        (self.sidecar, self.client) = (Some(sidecar), client);
        Ok(())
    }

    /// Waits until nothing is left of the sandboxes of earlier sidecars. Prewarmed ones of this one would be found too.
    pub(super) async fn expect_nothing_left(&mut self) -> Result<(), Failure> {
        if self.surroundings.is_warm { Ok(()) } else { self.surroundings.expect_nothing_left().await }
    }

    /// Ends the sidecar. Gives what is wrong then.
    pub(super) async fn end(self) -> Result<Vec<String>, Failure> {
        let Self { surroundings, sidecar, .. } = self;
        let sidecar = sidecar.ok_or("there is no sidecar")?;
        sidecar.signal(Signal::TERM);
        let mut violations = Vec::new();
        match timeout(SHUTDOWN_TIMEOUT, spawn_blocking(|| sidecar.end())).await {
            Ok(ended) => {
                let (status, log) = ended?;
                if !status.success() {
                    violations.push(format!("the sidecar ended with {status}: {log}"));
                }
            }
            Err(_) => violations.push(format!("the sidecar did not end in {SHUTDOWN_TIMEOUT:?}")),
        }
        if let Err(error) = surroundings.expect_nothing_left().await {
            violations.push(error.to_string());
        }
        Ok(violations)
    }
}

impl Surroundings {
    async fn start_sidecar(&self) -> Result<(Sidecar, Client), Failure> {
        let (dir, options, is_warm) = (self.dir.clone(), self.options(), self.is_warm);
        // gVisor is in the user's own cache folder.
        let cache = matches!(self.place, Place::Local).then(|| env::var(HAS_CACHE).ok()).flatten();
        // The proxy needs this thread while the sidecar starts.
        let start = move || {
            let options: Vec<_> = options.iter().map(String::as_str).collect();
            let mut settings = limits::SETTINGS.to_vec();
            settings.push(("COFFERDAM_SERVE__GRACE_SECONDS", "2"));
            if is_warm {
                settings.extend([("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_POOL__MINIMUM", "1")]);
            }
            settings.extend(cache.as_deref().map(|cache| (CACHE, cache)));
            Sidecar::start(&dir, &options, &settings)
        };
        let sidecar = spawn_blocking(start).await?;
        let client = Client { address: sidecar.address.clone() };
        Ok((sidecar, client))
    }

    fn options(&self) -> Vec<String> {
        let (Place::Cluster(env), Some(proxy)) = (&self.place, &self.proxy) else {
            return ["--backend", "local"].map(str::to_owned).into();
        };
        let kubeconfig = proxy.kubeconfig().to_string_lossy();
        ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &env.namespace.name]
            .map(str::to_owned)
            .into()
    }

    /// Kills the sandboxes with their runners.
    async fn end_runners(&self) -> Result<(), Failure> {
        let (Place::Cluster(env), Some(proxy)) = (&self.place, &self.proxy) else {
            for process in sandbox_processes(&self.dir) {
                // Killing one may end others.
                let _ = kill_process(process, Signal::KILL);
            }
            return Ok(());
        };
        let pods = env.namespace.objects::<Pod>();
        let sessions = pods.list(&ListParams::default().labels("cofferdam.dev/session")).await?;
        let created = proxy.created();
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        for pod in sessions.items {
            if pod.labels().get("cofferdam.dev/run").is_some_and(|run| created.contains(run)) {
                pods.delete(&pod.name_any(), &now).await?;
            }
        }
        Ok(())
    }

    /// Waits until nothing is left of any sandbox.
    async fn expect_nothing_left(&self) -> Result<(), Failure> {
        let left = async || match (&self.place, &self.proxy) {
            (Place::Cluster(env), Some(proxy)) => env.remaining(&proxy.created()).await,
            _ => Ok(leaked_resources(&self.dir)),
        };
        eventually(left, Vec::is_empty).await.map(drop)
    }
}

/// The proxy's script for a fault: counts the connections to the Pod.
fn script(fault: Fault) -> impl Fn(&ApiRequest, usize) -> Action + Send + Sync {
    let connections = AtomicUsize::new(0);
    move |request, _| {
        let count = || connections.fetch_add(1, Ordering::Relaxed);
        fault.action(is_pod_connection(request).then(count))
    }
}

fn is_pod_connection(request: &ApiRequest) -> bool {
    request.path.contains("/exec?")
}
