//! The Kubernetes backend beside its ancestor, google-adk's `GkeCodeExecutor`, and beside a bare Pod, on one cluster.

mod adk;
mod bare_pod;
mod ours;

use crate::{figures::Figures, interactive::Mode};
use adk::Adk;
use cofferdam_tests::{
    cluster::{Action, Namespace, Proxy, kubeconfig, runtime},
    conformance::Failure,
    program::Place,
};
use futures_util::future::try_join_all;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, Pod},
};
use kube::{Api, api::ListParams};
use ours::{Library, Target};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fmt::Debug,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// What is run, by Cofferdam as by the others.
const PROGRAM: &str = "print(\"hello\")";
const OUTPUT: &str = "hello\n";
/// Before each measurement, when Cofferdam's objects are gone: nodes take sandboxes down after that.
const PAUSE: Duration = Duration::from_secs(2);
/// After the last result, before it is counted what is left.
const AFTER: Duration = Duration::from_secs(5);

/// Runs what it stands for, once, and gives the time until there was a result.
type Contestant<'a> = Box<dyn FnMut() -> Result<Duration, Failure> + 'a>;

/// Two namespaces: Cofferdam's as `cofferdam manifests` makes it, and one without any bounds for the others.
pub struct Stage {
    place: Place,
    ours: Namespace,
    theirs: String,
    admin_kubeconfig: PathBuf,
    our_kubeconfig: PathBuf,
    python: PathBuf,
}

/// One program after another.
pub struct Sequential {
    /// google-adk's executor.
    pub adk: Figures,
    /// The process `cofferdam run`, from start to end.
    pub process: Figures,
    /// Cofferdam as a library.
    pub library: Figures,
    /// A bare Pod, whose output nobody reads.
    pub bare: Figures,
}

/// Many programs at once, until the last has its result.
pub struct AtOnce {
    /// google-adk's executor, a thread for each.
    pub adk: Figures,
    /// A process `cofferdam run` for each.
    pub processes: Figures,
    /// The same with `--workload pod`.
    pub pod_processes: Figures,
    /// One process with Cofferdam as a library.
    pub library: Figures,
    /// What google-adk has left soon after one more time, in words.
    pub left_by_adk: String,
    /// What the processes `cofferdam run` have.
    pub left_by_us: String,
}

/// Requests to the API server that a run takes.
pub struct Requests {
    /// google-adk's executor.
    pub adk: usize,
    /// The process `cofferdam run`.
    pub process: usize,
    /// The same with `--workload pod`.
    pub pod_process: usize,
    /// Cofferdam as a library, which has its watch already.
    pub library: usize,
}

impl Stage {
    /// Makes the namespaces; none where `KUBECONFIG` names no cluster.
    ///
    /// # Errors
    ///
    /// Whatever the cluster has against it, or the lack of a google-adk.
    pub fn set() -> Result<Option<Self>, Failure> {
        let Some(admin_kubeconfig) = kubeconfig() else { return Ok(None) };
        let python = adk::python()?;
        let ours = runtime().block_on(Namespace::create())?;
        let theirs = runtime().block_on(adk::create_namespace(&ours.admin));
        let our_kubeconfig = ours.kubeconfig();
        match theirs {
            Ok(theirs) => {
                Ok(Some(Self { place: Place::new(), ours, theirs, admin_kubeconfig, our_kubeconfig, python }))
            }
            Err(error) => {
                runtime().block_on(ours.delete())?;
                Err(error)
            }
        }
    }

    /// Deletes the namespaces.
    ///
    /// # Errors
    ///
    /// A cluster that does not answer.
    pub fn clear(self) -> Result<(), Failure> {
        let theirs = runtime().block_on(adk::delete_namespace(&self.ours.admin, &self.theirs));
        runtime().block_on(self.ours.delete())?;
        theirs
    }

    /// Each in turn, so many times, after a first time that does not count.
    ///
    /// # Errors
    ///
    /// Where a run fails.
    pub fn sequential(&self, rounds: usize) -> Result<Sequential, Failure> {
        let mut executor = Adk::start(&self.python, &self.admin_kubeconfig, &self.theirs, rounds + 1, 1)?;
        let library = Library::new(self.target(), 1)?;
        let pods: Api<Pod> = Api::namespaced(self.ours.admin.clone(), &self.theirs);
        let mut contestants: [Contestant<'_>; 4] = [
            Box::new(|| executor.run()),
            Box::new(|| ours::processes(&self.place, self.target(), "job", 1)),
            Box::new(|| library.run(1)),
            Box::new(|| runtime().block_on(bare_pod::run(&pods))),
        ];
        self.in_turn(&mut contestants, 1)?;
        let [adk, process, library, bare] = self.in_turn(&mut contestants, rounds)?;
        Ok(Sequential { adk, process, library, bare })
    }

    /// So many at once, each kind in turn, so many times, after a first time that does not count.
    ///
    /// # Errors
    ///
    /// Where a run fails.
    pub fn at_once(&self, programs: u32, rounds: usize) -> Result<AtOnce, Failure> {
        let many = usize::try_from(programs)?;
        let mut executor = Adk::start(&self.python, &self.admin_kubeconfig, &self.theirs, rounds + 2, many)?;
        let library = Library::new(self.target(), programs)?;
        let kubeconfig_for_pods = self.ours.kubeconfig_for_pods();
        let for_pods = Target { kubeconfig: &kubeconfig_for_pods, namespace: &self.ours.name };
        let mut contestants: [Contestant<'_>; 4] = [
            Box::new(|| executor.run()),
            Box::new(|| ours::processes(&self.place, self.target(), "job", many)),
            Box::new(|| ours::processes(&self.place, for_pods, "pod", many)),
            Box::new(|| library.run(many)),
        ];
        self.in_turn(&mut contestants, 1)?;
        let [adk, processes, pod_processes, library] = self.in_turn(&mut contestants, rounds)?;
        let [their, our, ..] = &mut contestants;
        let left_by_adk = self.left_by(their, &self.theirs)?;
        let left_by_us = self.left_by(our, &self.ours.name)?;
        Ok(AtOnce { adk, processes, pod_processes, library, left_by_adk, left_by_us })
    }

    /// In sandboxes that wait, so many at once, so many times, after a first time that does not count.
    ///
    /// # Errors
    ///
    /// Where a run fails.
    pub fn warm(&self, programs: u32, rounds: usize) -> Result<Figures, Failure> {
        let many = usize::try_from(programs)?;
        let library = Library::with_pool(self.target(), programs)?;
        let mut figures = Figures::default();
        for round in 0..=rounds {
            library.fill(programs)?;
            let time = library.run(many)?;
            if round > 0 {
                figures.push(time);
            }
        }
        library.settle();
        Ok(figures)
    }

    /// The time of each of so many programs that come like this: google-adk's, the library's, and the library's in sandboxes
    /// that wait.
    ///
    /// # Errors
    ///
    /// Where a run fails.
    pub fn interactive(&self, mode: Mode, programs: u32) -> Result<[Figures; 3], Failure> {
        let many = usize::try_from(programs)?;
        let mut executor = Adk::start(&self.python, &self.admin_kubeconfig, &self.theirs, 1, many)?;
        let mut adk = Figures::default();
        executor.times(mode)?.into_iter().for_each(|time| adk.push(time));
        self.wait_for_quiet()?;
        let library = Library::new(self.target(), programs)?;
        let cold = library.times(mode, programs)?;
        library.settle();
        self.wait_for_quiet()?;
        let library = Library::with_pool(self.target(), programs)?;
        library.fill(programs)?;
        let warm = library.times(mode, programs)?;
        library.settle();
        self.wait_for_quiet()?;
        Ok([adk, cold, warm])
    }

    /// Bare Pods, so many at once, until the last is seen to have ended, so many times.
    ///
    /// # Errors
    ///
    /// Where one fails.
    pub fn bare_at_once(&self, programs: u32, rounds: usize) -> Result<Figures, Failure> {
        let pods: Api<Pod> = Api::namespaced(self.ours.admin.clone(), &self.theirs);
        let mut figures = Figures::default();
        for _ in 0..rounds {
            thread::sleep(PAUSE);
            let times = runtime().block_on(try_join_all((0..programs).map(|_| bare_pod::run(&pods))))?;
            figures.push(times.into_iter().max().unwrap_or_default());
        }
        Ok(figures)
    }

    /// What the API server is asked for a run, in runs that are not timed.
    ///
    /// # Errors
    ///
    /// Where a run fails.
    pub fn requests(&self) -> Result<Requests, Failure> {
        let process = |workload: &'static str| {
            let is_pod = workload == "pod";
            let kubeconfig = if is_pod { self.ours.kubeconfig_for_pods() } else { self.our_kubeconfig.clone() };
            requests(&kubeconfig, |proxy| {
                let proxy = proxy.to_owned();
                Ok(Box::new(move || {
                    let target = Target { kubeconfig: &proxy, namespace: &self.ours.name };
                    ours::processes(&self.place, target, workload, 1)
                }))
            })
        };
        Ok(Requests {
            adk: requests(&self.admin_kubeconfig, |proxy| {
                let mut executor = Adk::start(&self.python, proxy, &self.theirs, 2, 1)?;
                Ok(Box::new(move || executor.run()))
            })?,
            process: process("job")?,
            pod_process: process("pod")?,
            library: requests(&self.our_kubeconfig, |proxy| {
                let library = Library::new(Target { kubeconfig: proxy, namespace: &self.ours.name }, 1)?;
                Ok(Box::new(move || library.run_and_settle()))
            })?,
        })
    }

    fn target(&self) -> Target<'_> {
        Target { kubeconfig: &self.our_kubeconfig, namespace: &self.ours.name }
    }

    /// Each in turn, so many times, and each round another one first. Nobody runs while something of another is still there,
    /// but for the finished Jobs of google-adk.
    fn in_turn<const N: usize>(
        &self,
        contestants: &mut [Contestant<'_>; N],
        rounds: usize,
    ) -> Result<[Figures; N], Failure> {
        let mut figures: [Figures; N] = std::array::from_fn(|_| Figures::default());
        for round in 0..rounds {
            for turn in 0..N {
                let who = (round + turn) % N;
                self.wait_for_quiet()?;
                figures[who].push(contestants[who]()?);
            }
        }
        Ok(figures)
    }

    fn wait_for_quiet(&self) -> Result<(), Failure> {
        runtime().block_on(self.ours.assert_nothing_left())?;
        thread::sleep(PAUSE);
        Ok(())
    }

    /// The Jobs, Pods and ConfigMaps that were not there before, in words.
    fn left_by(&self, contestant: &mut Contestant<'_>, namespace: &str) -> Result<String, Failure> {
        self.wait_for_quiet()?;
        let before = self.objects(namespace)?;
        contestant()?;
        thread::sleep(AFTER);
        let after = self.objects(namespace)?;
        let [jobs, pods, config_maps] = [0, 1, 2].map(|kind| after[kind].difference(&before[kind]).count());
        Ok(format!("{jobs} Jobs, {pods} Pods, {config_maps} ConfigMaps"))
    }

    fn objects(&self, namespace: &str) -> Result<[BTreeSet<String>; 3], Failure> {
        let client = &self.ours.admin;
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

/// Requests of a run that is not the first: what is needed once is there.
fn requests<'a>(
    kubeconfig: &Path,
    contestant: impl FnOnce(&Path) -> Result<Contestant<'a>, Failure>,
) -> Result<usize, Failure> {
    let place = Place::new();
    let proxy = runtime().block_on(Proxy::start(kubeconfig, place.path(), |_, _| Action::Forward))?;
    let mut contestant = contestant(proxy.kubeconfig())?;
    contestant()?;
    let before = proxy.asked().len();
    contestant()?;
    Ok(proxy.asked().len() - before)
}
