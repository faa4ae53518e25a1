//! Tests of `cofferdam` in the cluster that `KUBECONFIG` names. Without one, nothing is tested.

/// The tests of a module, each under the name of its function.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        &[$((stringify!($test), $test)),*]
    };
}

mod cleanup;
mod clock;
mod context;
mod deployment;
mod executions;
mod failures;
mod images;
mod invalid_settings;
mod isolation;
mod network_faults;
mod pool;
mod serve;
mod sessions;

use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::Failure,
};
use context::{Context, Test};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{process::ExitCode, sync::Arc};

/// Concurrent tests. The node shares its processors with them.
const CONCURRENCY: usize = 4;

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = Arguments::from_args();
    if cluster::kubeconfig().is_none() {
        println!("skipped: KUBECONFIG is not set");
        return Ok(ExitCode::SUCCESS);
    }
    arguments.test_threads = arguments.test_threads.or(Some(CONCURRENCY));
    let namespace = Arc::new(runtime().block_on(Namespace::create())?);
    let tests: [&[Test]; 12] = [
        // First, because the number of requests of an execution is measured in an idle cluster.
        executions::TESTS,
        // Early, so that what only the cluster itself deletes is gone at the end.
        cleanup::TESTS,
        pool::TESTS,
        sessions::TESTS,
        invalid_settings::TESTS,
        failures::TESTS,
        isolation::TESTS,
        network_faults::TESTS,
        serve::TESTS,
        clock::TESTS,
        deployment::TESTS,
        images::TESTS,
    ];
    let trial = |(name, test): &Test| {
        let (namespace, test) = (namespace.clone(), *test);
        Trial::test(*name, move || test(&Context::new(namespace)).map_err(Failed::from))
    };
    let conclusion = libtest_mimic::run(&arguments, tests.into_iter().flatten().map(trial).collect());
    runtime().block_on(async {
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })?;
    Ok(conclusion.exit_code())
}
