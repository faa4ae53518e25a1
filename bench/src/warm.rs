//! Runs of a sidecar that stays, from the request to the answer: in sandboxes that wait, and in such as are started for them.

use crate::{
    figures::Figures,
    interactive::{Failure, Mode},
};
use cofferdam_tests::{
    program::Place,
    sidecar::{Caller, Sidecar},
};
use serde_json::json;
use std::{thread, time::Duration};
use tokio::{runtime::Runtime, time::Instant};

/// Before each that is alone, when the next sandbox waits: what the last one was made of is being removed.
const PAUSE: Duration = Duration::from_millis(200);

/// Prints 42.
const CODE: &str = "print(6*7)";

/// A sidecar, asked through its Unix socket.
pub(crate) struct Served {
    sidecar: Sidecar,
    caller: Caller,
    runtime: Runtime,
    waits: u32,
}

impl Served {
    /// With so many sandboxes that wait, and these modules imported in them.
    pub(crate) fn start(place: &Place, waits: u32, modules: &[&str]) -> Result<Self, Failure> {
        let (number, modules) = (waits.to_string(), format!("{modules:?}"));
        let settings = [
            ("COFFERDAM_LANGUAGES__PYTHON__IMPORTS_AHEAD", modules.as_str()),
            ("COFFERDAM_POOL__MAXIMUM", &number),
            ("COFFERDAM_POOL__MINIMUM", &number),
            ("COFFERDAM_SERVE__MAX_RUNS", "100"),
            ("COFFERDAM_SERVE__OUTPUT_MEMORY", "64Gi"),
        ];
        let sidecar = Sidecar::start(place, &[], &settings);
        let caller = sidecar.caller();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ready = runtime.block_on(caller.send("GET", "/readyz", &[], ""));
        if ready.status == 200 { Ok(Self { sidecar, caller, runtime, waits }) } else { Err(ready.text.into()) }
    }

    /// Waits until so many more wait.
    pub(crate) fn fill(&mut self, more: u32) {
        for _ in 0..more {
            self.sidecar.wait_for("a sandbox waits");
        }
        thread::sleep(PAUSE);
    }

    /// Time of a program that prints 42 in one that waits, and then until another does.
    pub(crate) fn time_and_fill(&mut self, code: &str) -> Result<Duration, Failure> {
        let time = self.runtime.block_on(self.time(code))?;
        self.fill(1);
        Ok(time)
    }

    async fn time(&self, code: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let answer = self.caller.run(&json!({ "code": code }), &[]).await;
        let time = begun.elapsed();
        let is_right = answer.json["stdout"]["content"] == "42\n" && answer.json["warm"] == (self.waits > 0);
        if is_right { Ok(time) } else { Err(answer.text.into()) }
    }
}

/// So many, one after the other, each when its sandbox waits.
///
/// # Errors
///
/// Where a run fails, or finds no sandbox waiting.
pub fn measure(place: &Place, rounds: usize) -> Result<Figures, Failure> {
    let mut served = Served::start(place, 1, &[])?;
    served.fill(1);
    let mut figures = Figures::default();
    for _ in 0..rounds {
        figures.push(served.time_and_fill(CODE)?);
    }
    Ok(figures)
}

/// So many that come like this; in sandboxes that have all been started ahead, if `waiting`.
///
/// # Errors
///
/// Where a run fails, or finds a sandbox waiting or not against this.
pub fn interactive(place: &Place, mode: Mode, runs: u32, waiting: bool) -> Result<Figures, Failure> {
    let waits = if waiting { runs } else { 0 };
    let mut served = Served::start(place, waits, &[])?;
    served.fill(waits);
    served.runtime.block_on(mode.measure(runs, || served.time(CODE)))
}

/// What `look` sees while so many sandboxes wait.
///
/// # Errors
///
/// Where they do not come up, or those of `look`.
pub fn with_waiting<T>(place: &Place, waits: u32, look: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut served = Served::start(place, waits, &[])?;
    served.fill(waits);
    look()
}
