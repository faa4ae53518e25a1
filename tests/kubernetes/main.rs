//! `cofferdam` in the cluster that `KUBECONFIG` names. Without one there is nothing to test.

mod bad_input;
mod clock;
mod context;
mod deployment;
mod failures;
mod hardening;
mod leftovers;
mod network_faults;
mod pool;
mod runs;
mod serve;

use cofferdam_tests::{
    cluster::{self, Namespace, runtime},
    conformance::Failure,
};
use context::{Context, Test};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{process::ExitCode, sync::Arc};

/// Runs at once, on a node with the same processors as these tests.
const AT_ONCE: usize = 4;

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = Arguments::from_args();
    if cluster::kubeconfig().is_none() {
        println!("no cluster is tested: KUBECONFIG names none");
        return Ok(ExitCode::SUCCESS);
    }
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let namespace = Arc::new(runtime().block_on(Namespace::create())?);
    let tests: [&[Test]; 10] = [
        // While nothing else is there, a run takes what it takes.
        runs::TESTS,
        // What these leave to the cluster's own clock is gone when the others are done.
        leftovers::TESTS,
        pool::TESTS,
        bad_input::TESTS,
        failures::TESTS,
        hardening::TESTS,
        network_faults::TESTS,
        serve::TESTS,
        clock::TESTS,
        deployment::TESTS,
    ];
    let trial = |(name, test): &Test| {
        let (namespace, test) = (namespace.clone(), *test);
        Trial::test(*name, move || test(&Context::new(namespace)).map_err(Failed::from))
    };
    let conclusion = libtest_mimic::run(&arguments, tests.into_iter().flatten().map(trial).collect());
    runtime().block_on(async {
        namespace.assert_nothing_left().await?;
        namespace.delete().await
    })?;
    Ok(conclusion.exit_code())
}
