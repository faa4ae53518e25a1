//! The Kubernetes backend, used through the program and through the library.

use crate::{interactive::Mode, samples::Samples};
use cofferdam::{
    Runtime,
    config::{BackendChoice, PoolConfig, Settings},
};
use cofferdam_component::{Executor, SandboxCtx, types::Request};
use cofferdam_tests::{cluster::runtime, conformance::Failure, program::TestDir};
use futures_util::future::try_join_all;
use std::{
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Where runs are created, and with which credentials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// The cluster and the credentials.
    pub(super) kubeconfig: &'a Path,
    /// The namespace of the runs.
    pub(super) namespace: &'a str,
}

/// Time until all concurrent processes of `cofferdam run` have ended.
pub(super) fn processes(
    dir: &TestDir,
    target: Target<'_>,
    workload: &str,
    concurrency: usize,
) -> Result<Duration, Failure> {
    dir.write("hello.py", super::PROGRAM);
    let kubeconfig = target.kubeconfig.to_string_lossy();
    let args =
        ["run", "--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", target.namespace];
    let args = [&args[..], &["--workload", workload, "hello.py"]].concat();
    let start = Instant::now();
    let children: Result<Vec<Child>, _> = (0..concurrency).map(|_| dir.cofferdam(&args).spawn()).collect();
    for child in children? {
        let output = child.wait_with_output()?;
        if output.stdout != super::OUTPUT.as_bytes() {
            return Err(format!("cofferdam run: {output:?}").into());
        }
    }
    Ok(start.elapsed())
}

/// A sidecar in this process, called through the component.
#[derive(Debug)]
pub(super) struct Library {
    sidecar: Runtime,
    executor: Executor,
}

impl Library {
    /// A sidecar for this many concurrent calls.
    pub(super) fn new(target: Target<'_>, concurrency: u32) -> Result<Self, Failure> {
        Ok(Self { sidecar: settings(target).runtime()?, executor: Executor::new(concurrency)? })
    }

    /// A sidecar with as many prewarmed sandboxes as concurrent calls.
    pub(super) fn with_pool(target: Target<'_>, concurrency: u32) -> Result<Self, Failure> {
        let pool = PoolConfig {
            maximum: Some(concurrency),
            minimum: concurrency,
            starts_at_once: 2,
            ..PoolConfig::default()
        };
        let settings = Settings { pool, ..settings(target) };
        Ok(Self { sidecar: settings.pooled_runtime()?, executor: Executor::new(concurrency)? })
    }

    /// Waits until this many sandboxes are prewarmed and the cluster has settled.
    pub(super) fn fill(&self, prewarmed: u32) -> Result<(), Failure> {
        runtime().block_on(self.sidecar.ready())?;
        let metrics = self.sidecar.pool_metrics().ok_or("there is no pool")?;
        while u32::try_from(metrics.snapshot().idle)? < prewarmed {
            thread::sleep(POLL_INTERVAL);
        }
        thread::sleep(super::SETTLE_DELAY);
        Ok(())
    }

    /// Deletes the prewarmed sandboxes.
    pub(super) fn settle(&self) {
        runtime().block_on(self.sidecar.drain());
    }

    /// Time until all concurrent calls have their outcomes.
    pub(super) fn run(&self, concurrency: usize) -> Result<Duration, Failure> {
        let start = Instant::now();
        runtime().block_on(try_join_all((0..concurrency).map(|_| self.call())))?;
        Ok(start.elapsed())
    }

    /// The duration of one call. Waits until its objects are deleted.
    pub(super) fn run_and_settle(&self) -> Result<Duration, Failure> {
        let time = self.run(1)?;
        self.settle();
        Ok(time)
    }

    /// Durations of calls that arrive in this mode.
    pub(super) fn times(&self, mode: Mode, calls: u32) -> Result<Samples, Failure> {
        let timed = || async {
            let start = Instant::now();
            self.call().await.map(|()| start.elapsed())
        };
        runtime().block_on(mode.measure(calls, timed))
    }

    async fn call(&self) -> Result<(), Failure> {
        let ctx = SandboxCtx::new(self.sidecar.clone());
        let outcome = self.executor.execute(ctx, Request::new(super::PROGRAM)).await?;
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
