//! Runs of a running sidecar, from the request to the response, in prewarmed and in new sandboxes.

use crate::{
    interactive::{Failure, Mode},
    samples::Samples,
};
use cofferdam_tests::{
    program::TestDir,
    sidecar::{HttpClient, Sidecar},
};
use serde_json::json;
use std::{thread, time::Duration};
use tokio::{runtime::Runtime, time::Instant};

/// Delay before a sequential run, in which the previous sandbox is removed.
const SETTLE_DELAY: Duration = Duration::from_millis(200);

/// Prints 42.
const CODE: &str = "print(6*7)";

/// A sidecar with a pool, and a client of its Unix socket.
pub(crate) struct PooledSidecar {
    sidecar: Sidecar,
    client: HttpClient,
    runtime: Runtime,
    prewarmed: u32,
}

impl PooledSidecar {
    /// Starts a sidecar with this many prewarmed sandboxes and these modules preloaded.
    pub(crate) fn start(dir: &TestDir, prewarmed: u32, modules: &[&str]) -> Result<Self, Failure> {
        let (number, modules) = (prewarmed.to_string(), format!("{modules:?}"));
        let settings = [
            ("COFFERDAM_LANGUAGES__PYTHON__PRELOAD_MODULES", modules.as_str()),
            ("COFFERDAM_POOL__MAXIMUM", &number),
            ("COFFERDAM_POOL__MINIMUM", &number),
            ("COFFERDAM_SERVE__MAX_RUNS", "100"),
            ("COFFERDAM_SERVE__OUTPUT_MEMORY", "64Gi"),
        ];
        let sidecar = Sidecar::start(dir, &[], &settings);
        let client = sidecar.client();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ready = runtime.block_on(client.send("GET", "/readyz", &[], ""));
        if ready.status == 200 {
            Ok(Self { sidecar, client, runtime, prewarmed })
        } else {
            Err(ready.text.into())
        }
    }

    /// The URL of its TCP socket.
    pub(crate) fn url(&self) -> String {
        self.sidecar.url()
    }

    /// Waits until this many more sandboxes are prewarmed.
    pub(crate) fn fill(&mut self, more: u32) {
        for _ in 0..more {
            self.sidecar.wait_for("a sandbox waits");
        }
        thread::sleep(SETTLE_DELAY);
    }

    /// Duration of a program that prints 42; then waits until another sandbox is prewarmed.
    pub(crate) fn time_and_fill(&mut self, code: &str) -> Result<Duration, Failure> {
        let time = self.runtime.block_on(self.time(code))?;
        self.fill(1);
        Ok(time)
    }

    async fn time(&self, code: &str) -> Result<Duration, Failure> {
        let start = Instant::now();
        let response = self.client.run(&json!({ "code": code }), &[]).await;
        let time = start.elapsed();
        let is_correct =
            response.json["stdout"]["content"] == "42\n" && response.json["warm"] == (self.prewarmed > 0);
        if is_correct { Ok(time) } else { Err(response.text.into()) }
    }
}

/// Samples of sequential runs, each in a prewarmed sandbox.
///
/// # Errors
///
/// A run fails or is not executed in a prewarmed sandbox.
pub fn measure(dir: &TestDir, rounds: usize) -> Result<Samples, Failure> {
    let mut sidecar = PooledSidecar::start(dir, 1, &[])?;
    sidecar.fill(1);
    let mut samples = Samples::default();
    for _ in 0..rounds {
        samples.push(sidecar.time_and_fill(CODE)?);
    }
    Ok(samples)
}

/// Samples of runs that arrive in this mode, in prewarmed sandboxes if `is_warm`.
///
/// # Errors
///
/// A run fails or is not executed in the expected kind of sandbox.
pub fn interactive(dir: &TestDir, mode: Mode, runs: u32, is_warm: bool) -> Result<Samples, Failure> {
    let prewarmed = if is_warm { runs } else { 0 };
    let mut sidecar = PooledSidecar::start(dir, prewarmed, &[])?;
    sidecar.fill(prewarmed);
    sidecar.runtime.block_on(mode.measure(runs, || sidecar.time(CODE)))
}

/// Calls `measure` while this many sandboxes are prewarmed.
///
/// # Errors
///
/// The sandboxes do not start, or `measure` fails.
pub fn with_prewarmed<T>(
    dir: &TestDir,
    prewarmed: u32,
    measure: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut sidecar = PooledSidecar::start(dir, prewarmed, &[])?;
    sidecar.fill(prewarmed);
    measure()
}
