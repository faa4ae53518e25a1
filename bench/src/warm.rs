//! A run in a sandbox that waits, from the request to the answer.

use crate::figures::Figures;
use cofferdam_tests::{program::Place, sidecar::Sidecar};
use serde_json::json;
use std::{error::Error, thread, time::Duration};
use tokio::time::Instant;

/// Before each, when the next sandbox waits: what the last one was made of is being removed.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks `cofferdam serve` through its Unix socket, so many times, one after the other.
///
/// # Errors
///
/// Where a run fails, or finds no sandbox waiting.
pub fn measure(place: &Place, rounds: usize) -> Result<Figures, Box<dyn Error>> {
    let settings = [("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_POOL__MINIMUM", "1")];
    let mut sidecar = Sidecar::start(place, &[], &settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let caller = sidecar.caller();
    let request = json!({ "code": "print(6*7)" });
    let ready = runtime.block_on(caller.send("GET", "/readyz", &[], ""));
    if ready.status != 200 {
        return Err(ready.text.into());
    }
    let mut figures = Figures::default();
    for _ in 0..rounds {
        sidecar.wait_for("a sandbox waits");
        thread::sleep(PAUSE);
        let begun = Instant::now();
        let answer = runtime.block_on(caller.run(&request, &[]));
        let time = begun.elapsed();
        if answer.json["warm"] != true || answer.json["stdout"]["content"] != "42\n" {
            return Err(answer.text.into());
        }
        figures.push(time);
    }
    Ok(figures)
}
