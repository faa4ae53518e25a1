//! Runs every folder of `tests/conformance/` through the component, on every backend that is there: on this machine, and
//! in the cluster that `KUBECONFIG` names. A folder that is no case fails the suite.

use cofferdam::{
    Sidecar,
    component::Executor,
    config::{BackendChoice, Settings},
};
use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::{Case, Failure, run},
};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// Runs at once in the cluster, whose node has the same processors as these tests.
const IN_CLUSTER: usize = 6;

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = Arguments::from_args();
    let executor = Executor::new(64)?;
    let local = Sidecar::new(&Settings { backend: BackendChoice::Local, ..Settings::default() })?;
    let mut conclusion = libtest_mimic::run(&arguments, trials("local", &executor, &local)?);
    if cluster::kubeconfig().is_some() && !arguments.list {
        let namespace = runtime().block_on(Namespace::create())?;
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(namespace.kubeconfig()),
            namespace: namespace.name.clone(),
            ..Settings::default()
        };
        let sidecar = Sidecar::new(&settings)?;
        arguments.test_threads = arguments.test_threads.or(Some(IN_CLUSTER));
        let in_cluster = libtest_mimic::run(&arguments, trials("kubernetes", &executor, &sidecar)?);
        runtime().block_on(async {
            sidecar.settle().await;
            namespace.assert_nothing_left().await?;
            namespace.delete().await
        })?;
        conclusion.num_failed += in_cluster.num_failed;
    }
    Ok(conclusion.exit_code())
}

fn trials(backend: &str, executor: &Executor, sidecar: &Sidecar) -> Result<Vec<Trial>, Failure> {
    let trial = |case: Case| {
        let (executor, sidecar) = (executor.clone(), sidecar.clone());
        Trial::test(format!("{backend}::{}", case.name()), move || {
            runtime().block_on(run(&case, &executor, &sidecar)).map_err(Failed::from)
        })
    };
    Ok(Case::all()?.into_iter().map(trial).collect())
}
