//! The Kubernetes backend compared with google-adk's `GkeCodeExecutor` and with a bare Pod, on one cluster.

mod adk;
mod backend;
mod bare_pod;
mod results;

pub use results::{Concurrent, Requests, Sequential};

use crate::{interactive::Mode, samples::Samples};
use adk::Adk;
use backend::{Library, Target};
use cofferdam_tests::{
    cluster::{Action, Namespace, Proxy, kubeconfig, runtime},
    conformance::Failure,
    program::TestDir,
};
use futures_util::future::try_join_all;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, Pod},
};
use kube::{Api, api::ListParams};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fmt::Debug,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The program, the same for all.
const PROGRAM: &str = "print(\"hello\")";
const OUTPUT: &str = "hello\n";
/// Delay before each measurement, in which nodes remove the sandboxes of deleted Pods.
const SETTLE_DELAY: Duration = Duration::from_secs(2);
/// Delay after the last result, before the remaining objects are counted.
const COUNT_DELAY: Duration = Duration::from_secs(5);

/// Performs one measurement and returns its duration.
type Measurement<'a> = Box<dyn FnMut() -> Result<Duration, Failure> + 'a>;

/// Two namespaces: one set up by `cofferdam manifests`, and one without any restrictions for the others.
pub struct BenchEnv {
    dir: TestDir,
    namespace: Namespace,
    adk_namespace: String,
    admin_kubeconfig: PathBuf,
    kubeconfig: PathBuf,
    python: PathBuf,
}

impl BenchEnv {
    /// Creates the namespaces. `None` if `KUBECONFIG` is not set.
    ///
    /// # Errors
    ///
    /// The API server refuses a request, or google-adk cannot be installed.
    pub fn new() -> Result<Option<Self>, Failure> {
        let Some(admin_kubeconfig) = kubeconfig() else { return Ok(None) };
        let python = adk::python()?;
        let namespace = runtime().block_on(Namespace::create())?;
        let adk_namespace = runtime().block_on(adk::create_namespace(&namespace.admin));
        let kubeconfig = namespace.kubeconfig();
        match adk_namespace {
            Ok(adk_namespace) => Ok(Some(Self {
                dir: TestDir::new(),
                namespace,
                adk_namespace,
                admin_kubeconfig,
                kubeconfig,
                python,
            })),
            Err(error) => {
                runtime().block_on(namespace.delete())?;
                Err(error)
            }
        }
    }

    /// Deletes the namespaces.
    ///
    /// # Errors
    ///
    /// The API server does not respond.
    pub fn delete(self) -> Result<(), Failure> {
        let deleted = runtime().block_on(adk::delete_namespace(&self.namespace.admin, &self.adk_namespace));
        runtime().block_on(self.namespace.delete())?;
        deleted
    }

    /// Sequential runs of each kind by turns, after one round that is not counted.
    ///
    /// # Errors
    ///
    /// A run fails.
    pub fn sequential(&self, rounds: usize) -> Result<Sequential, Failure> {
        let mut executor =
            Adk::start(&self.python, &self.admin_kubeconfig, &self.adk_namespace, rounds + 1, 1)?;
        let library = Library::new(self.target(), 1)?;
        let pods: Api<Pod> = Api::namespaced(self.namespace.admin.clone(), &self.adk_namespace);
        let mut measurements: [Measurement<'_>; 4] = [
            Box::new(|| executor.run()),
            Box::new(|| backend::processes(&self.dir, self.target(), "job", 1)),
            Box::new(|| library.run(1)),
            Box::new(|| runtime().block_on(bare_pod::run(&pods))),
        ];
        self.by_turns(&mut measurements, 1)?;
        let [adk, process, library, bare] = self.by_turns(&mut measurements, rounds)?;
        Ok(Sequential { adk, process, library, bare })
    }

    /// Concurrent runs of each kind by turns, after one round that is not counted.
    ///
    /// # Errors
    ///
    /// A run fails.
    pub fn concurrent(&self, programs: u32, rounds: usize) -> Result<Concurrent, Failure> {
        let count = usize::try_from(programs)?;
        let mut executor =
            Adk::start(&self.python, &self.admin_kubeconfig, &self.adk_namespace, rounds + 2, count)?;
        let library = Library::new(self.target(), programs)?;
        let kubeconfig_for_pods = self.namespace.kubeconfig_for_pods();
        let for_pods = Target { kubeconfig: &kubeconfig_for_pods, namespace: &self.namespace.name };
        let mut measurements: [Measurement<'_>; 4] = [
            Box::new(|| executor.run()),
            Box::new(|| backend::processes(&self.dir, self.target(), "job", count)),
            Box::new(|| backend::processes(&self.dir, for_pods, "pod", count)),
            Box::new(|| library.run(count)),
        ];
        self.by_turns(&mut measurements, 1)?;
        let [adk, processes, pod_processes, library] = self.by_turns(&mut measurements, rounds)?;
        let [adk_runs, cofferdam_runs, ..] = &mut measurements;
        let left_by_adk = self.left_by(adk_runs, &self.adk_namespace)?;
        let left_by_cofferdam = self.left_by(cofferdam_runs, &self.namespace.name)?;
        Ok(Concurrent { adk, processes, pod_processes, library, left_by_adk, left_by_cofferdam })
    }

    /// Concurrent runs in prewarmed sandboxes, after one round that is not counted.
    ///
    /// # Errors
    ///
    /// A run fails.
    pub fn warm(&self, programs: u32, rounds: usize) -> Result<Samples, Failure> {
        let count = usize::try_from(programs)?;
        let library = Library::with_pool(self.target(), programs)?;
        let mut samples = Samples::default();
        for round in 0..=rounds {
            library.fill(programs)?;
            let time = library.run(count)?;
            if round > 0 {
                samples.push(time);
            }
        }
        library.settle();
        Ok(samples)
    }

    /// Durations of runs that arrive in this mode: of google-adk, of the library, and of the library in
    /// prewarmed sandboxes.
    ///
    /// # Errors
    ///
    /// A run fails.
    pub fn interactive(&self, mode: Mode, programs: u32) -> Result<[Samples; 3], Failure> {
        let count = usize::try_from(programs)?;
        let mut executor = Adk::start(&self.python, &self.admin_kubeconfig, &self.adk_namespace, 1, count)?;
        let mut adk = Samples::default();
        executor.times(mode)?.into_iter().for_each(|time| adk.push(time));
        self.wait_until_settled()?;
        let library = Library::new(self.target(), programs)?;
        let cold = library.times(mode, programs)?;
        library.settle();
        self.wait_until_settled()?;
        let library = Library::with_pool(self.target(), programs)?;
        library.fill(programs)?;
        let warm = library.times(mode, programs)?;
        library.settle();
        self.wait_until_settled()?;
        Ok([adk, cold, warm])
    }

    /// Concurrent bare Pods, until the event of the last one's end.
    ///
    /// # Errors
    ///
    /// A Pod fails.
    pub fn bare_concurrent(&self, programs: u32, rounds: usize) -> Result<Samples, Failure> {
        let pods: Api<Pod> = Api::namespaced(self.namespace.admin.clone(), &self.adk_namespace);
        let mut samples = Samples::default();
        for _ in 0..rounds {
            thread::sleep(SETTLE_DELAY);
            let times = runtime().block_on(try_join_all((0..programs).map(|_| bare_pod::run(&pods))))?;
            samples.push(times.into_iter().max().unwrap_or_default());
        }
        Ok(samples)
    }

    /// Requests to the API server per run, in separate runs.
    ///
    /// # Errors
    ///
    /// A run fails.
    pub fn requests(&self) -> Result<Requests, Failure> {
        let process = |workload: &'static str| {
            let is_pod = workload == "pod";
            let kubeconfig =
                if is_pod { self.namespace.kubeconfig_for_pods() } else { self.kubeconfig.clone() };
            requests(&kubeconfig, |proxy| {
                let proxy = proxy.to_owned();
                Ok(Box::new(move || {
                    let target = Target { kubeconfig: &proxy, namespace: &self.namespace.name };
                    backend::processes(&self.dir, target, workload, 1)
                }))
            })
        };
        Ok(Requests {
            adk: requests(&self.admin_kubeconfig, |proxy| {
                let mut executor = Adk::start(&self.python, proxy, &self.adk_namespace, 2, 1)?;
                Ok(Box::new(move || executor.run()))
            })?,
            process: process("job")?,
            pod_process: process("pod")?,
            library: requests(&self.kubeconfig, |proxy| {
                let library = Library::new(Target { kubeconfig: proxy, namespace: &self.namespace.name }, 1)?;
                Ok(Box::new(move || library.run_and_settle()))
            })?,
        })
    }

    fn target(&self) -> Target<'_> {
        Target { kubeconfig: &self.kubeconfig, namespace: &self.namespace.name }
    }

    /// Performs the measurements by turns, each round beginning with another one. Between two measurements
    /// all objects are deleted, except google-adk's finished Jobs.
    fn by_turns<const N: usize>(
        &self,
        measurements: &mut [Measurement<'_>; N],
        rounds: usize,
    ) -> Result<[Samples; N], Failure> {
        let mut samples: [Samples; N] = std::array::from_fn(|_| Samples::default());
        for round in 0..rounds {
            for offset in 0..N {
                let index = (round + offset) % N;
                self.wait_until_settled()?;
                samples[index].push(measurements[index]()?);
            }
        }
        Ok(samples)
    }

    fn wait_until_settled(&self) -> Result<(), Failure> {
        runtime().block_on(self.namespace.wait_until_empty())?;
        thread::sleep(SETTLE_DELAY);
        Ok(())
    }

    /// The numbers of Jobs, Pods and ConfigMaps that a measurement leaves, in words.
    fn left_by(&self, measurement: &mut Measurement<'_>, namespace: &str) -> Result<String, Failure> {
        self.wait_until_settled()?;
        let before = self.objects(namespace)?;
        measurement()?;
        thread::sleep(COUNT_DELAY);
        let after = self.objects(namespace)?;
        let [jobs, pods, config_maps] = [0, 1, 2].map(|kind| after[kind].difference(&before[kind]).count());
        Ok(format!("{jobs} Jobs, {pods} Pods, {config_maps} ConfigMaps"))
    }

    fn objects(&self, namespace: &str) -> Result<[BTreeSet<String>; 3], Failure> {
        let client = &self.namespace.admin;
        runtime().block_on(async {
            Ok([
                names(Api::<Job>::namespaced(client.clone(), namespace)).await?,
                names(Api::<Pod>::namespaced(client.clone(), namespace)).await?,
                names(Api::<ConfigMap>::namespaced(client.clone(), namespace)).await?,
            ])
        })
    }
}

async fn names<K: Clone + Debug + DeserializeOwned>(api: Api<K>) -> Result<BTreeSet<String>, Failure> {
    let found = api.list_metadata(&ListParams::default()).await?;
    Ok(found.items.into_iter().filter_map(|object| object.metadata.name).collect())
}

/// Requests of a run that is not the first.
fn requests<'a>(
    kubeconfig: &Path,
    measurement: impl FnOnce(&Path) -> Result<Measurement<'a>, Failure>,
) -> Result<usize, Failure> {
    let dir = TestDir::new();
    let proxy = runtime().block_on(Proxy::start(kubeconfig, dir.path(), |_, _| Action::Forward))?;
    let mut measurement = measurement(proxy.kubeconfig())?;
    measurement()?;
    let before = proxy.requests().len();
    measurement()?;
    Ok(proxy.requests().len() - before)
}
