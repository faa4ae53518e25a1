//! Runs every folder of `tests/conformance/` through the component, on every backend that is there. A folder that is no
//! case fails the suite.

use cofferdam::{Sidecar, component::Executor, config::Settings};
use cofferdam_tests::conformance::{Case, Failure, run};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use tokio::runtime::Builder;

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::from_args();
    let executor = Executor::new(64)?;
    let local = Sidecar::new(&Settings::default())?;
    let trials = Case::all()?
        .into_iter()
        .map(|case| {
            let (executor, local) = (executor.clone(), local.clone());
            Trial::test(format!("local::{}", case.name()), move || {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(run(&case, &executor, &local)).map_err(Failed::from)
            })
        })
        .collect();
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
