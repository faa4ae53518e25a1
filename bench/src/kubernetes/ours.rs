//! Cofferdam, as a program and as a library.

use crate::{figures::Figures, interactive::Mode};
use cofferdam::{
    Runtime,
    config::{BackendChoice, PoolConfig, Settings},
};
use cofferdam_component::{Executor, SandboxImport, types::Request};
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::Place};
use futures_util::future::try_join_all;
use std::{
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// Between two looks at a pool that fills.
const LOOK: Duration = Duration::from_millis(100);

/// Where runs are made, and as whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// The way to the cluster.
    pub(super) kubeconfig: &'a Path,
    /// The namespace.
    pub(super) namespace: &'a str,
}

/// Time until so many processes of `cofferdam run`, started at once, have ended.
pub(super) fn processes(
    place: &Place,
    target: Target<'_>,
    workload: &str,
    at_once: usize,
) -> Result<Duration, Failure> {
    place.write("hello.py", super::PROGRAM);
    let kubeconfig = target.kubeconfig.to_string_lossy();
    let args = ["run", "--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", target.namespace];
    let args = [&args[..], &["--workload", workload, "hello.py"]].concat();
    let start = Instant::now();
    let children: Result<Vec<Child>, _> = (0..at_once).map(|_| place.cofferdam(&args).spawn()).collect();
    for child in children? {
        let output = child.wait_with_output()?;
        if output.stdout != super::OUTPUT.as_bytes() {
            return Err(format!("cofferdam run: {output:?}").into());
        }
    }
    Ok(start.elapsed())
}

/// A sidecar of this process, called through the component.
#[derive(Debug)]
pub(super) struct Library {
    sidecar: Runtime,
    executor: Executor,
}

impl Library {
    /// One for so many calls at once.
    pub(super) fn new(target: Target<'_>, at_once: u32) -> Result<Self, Failure> {
        Ok(Self { sidecar: settings(target).runtime()?, executor: Executor::new(at_once)? })
    }

    /// The same, with as many sandboxes that wait.
    pub(super) fn with_pool(target: Target<'_>, at_once: u32) -> Result<Self, Failure> {
        let pool = PoolConfig { maximum: Some(at_once), minimum: at_once, starts_at_once: 2, ..PoolConfig::default() };
        let settings = Settings { pool, ..settings(target) };
        Ok(Self { sidecar: settings.pooled_runtime()?, executor: Executor::new(at_once)? })
    }

    /// Waits until so many sandboxes wait, and the cluster is quiet.
    pub(super) fn fill(&self, waiting: u32) -> Result<(), Failure> {
        runtime().block_on(self.sidecar.ready())?;
        let metrics = self.sidecar.pool_metrics().ok_or("there is no pool")?;
        while u32::try_from(metrics.snapshot().idle)? < waiting {
            thread::sleep(LOOK);
        }
        thread::sleep(super::PAUSE);
        Ok(())
    }

    /// Removes what waits.
    pub(super) fn settle(&self) {
        runtime().block_on(self.sidecar.settle());
    }

    /// Time until so many calls at once have their outcomes.
    pub(super) fn run(&self, at_once: usize) -> Result<Duration, Failure> {
        let start = Instant::now();
        runtime().block_on(try_join_all((0..at_once).map(|_| self.call())))?;
        Ok(start.elapsed())
    }

    /// The same, and until what was left to be removed beside the answers is gone.
    pub(super) fn run_and_settle(&self) -> Result<Duration, Failure> {
        let time = self.run(1)?;
        self.settle();
        Ok(time)
    }

    /// The time of each of so many calls that come like this.
    pub(super) fn times(&self, mode: Mode, calls: u32) -> Result<Figures, Failure> {
        let timed = || async {
            let start = Instant::now();
            self.call().await.map(|()| start.elapsed())
        };
        runtime().block_on(mode.measure(calls, timed))
    }

    async fn call(&self) -> Result<(), Failure> {
        let import = SandboxImport::new(self.sidecar.clone());
        let outcome = self.executor.execute(import, Request::new(super::PROGRAM)).await?;
        if outcome.stdout.text == super::OUTPUT { Ok(()) } else { Err(format!("{outcome:?}").into()) }
    }
}

fn settings(target: Target<'_>) -> Settings {
    Settings {
        backend: BackendChoice::Kubernetes,
        kubeconfig_path: Some(target.kubeconfig.to_owned()),
        namespace: target.namespace.to_owned(),
        ..Settings::default()
    }
}
