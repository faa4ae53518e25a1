//! Runs every folder of `tests/conformance/` through the component, on every backend that is there, on this machine and in the
//! cluster that `KUBECONFIG` names, and by hosts that others wrote. A folder that is no case fails the suite.

use cofferdam::{
    Sidecar,
    component::Executor,
    config::{BackendChoice, Settings},
};
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Cli, Failure, Library, Python, Served, Way, run},
};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{process::ExitCode, sync::Arc};

/// Runs at once in the cluster, whose node has the same processors as these tests.
const IN_CLUSTER: usize = 6;

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    let executor = Executor::new(64)?;
    let sidecar = Sidecar::new(&Settings { backend: BackendChoice::Local, ..Settings::default() })?;
    let local = Library { executor: executor.clone(), sidecar };
    let mut failed = try_all(&arguments, "local", None, Arc::new(local))?;
    if !arguments.list {
        let served = Served::default();
        failed += try_all(&arguments, "wasmtime-cli", None, Arc::new(Cli::new(served.clone())?))?;
        // One process, so there is nothing to be gained by more.
        failed += try_all(&arguments, "python", Some(1), Arc::new(Python::new(served)))?;
    }
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(namespace.kubeconfig()),
            namespace: namespace.name.clone(),
            ..Settings::default()
        };
        let sidecar = Sidecar::new(&settings)?;
        let in_cluster = Library { executor, sidecar: sidecar.clone() };
        failed += try_all(&arguments, "kubernetes", Some(IN_CLUSTER), Arc::new(in_cluster))?;
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.assert_nothing_left().await?;
            namespace.delete().await
        })?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all cases by one way, so many at once; gives how many failed.
fn try_all(arguments: &Arguments, name: &str, at_once: Option<usize>, way: Arc<dyn Way>) -> Result<u64, Failure> {
    let trial = |case: Case| {
        let (way, is_taken) = (way.clone(), way.takes(&case)?);
        let trial = Trial::test(format!("{name}::{}", case.name()), move || run(&case, &*way).map_err(Failed::from));
        Ok::<_, Failure>(trial.with_ignored_flag(!is_taken))
    };
    let trials = Case::all()?.into_iter().map(trial).collect::<Result<_, Failure>>()?;
    let mut arguments = arguments.clone();
    arguments.test_threads = arguments.test_threads.or(at_once);
    Ok(libtest_mimic::run(&arguments, trials).num_failed)
}
