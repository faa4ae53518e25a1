//! One execution in a prewarmed sandbox through each host, and through curl.

use crate::{interactive::Failure, samples::Samples, warm::PooledSidecar};
use cofferdam_component::types::Request;
use cofferdam_tests::{
    conformance::{Driver, HOSTS, LARGE_HOSTS},
    program::TestDir,
};
use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const CODE: &str = "print(6*7)";
const BODY: &str = r#"{"code":"print(6*7)"}"#;

/// The samples of a host.
#[derive(Debug)]
pub struct Measured {
    /// The host's name in the documentation.
    pub name: &'static str,
    /// Its samples.
    pub samples: Samples,
}

/// Samples of curl and of each host, with the same sidecar and in turns.
///
/// # Errors
///
/// A host does not execute the program.
pub fn measure(dir: &TestDir, rounds: usize) -> Result<(Samples, Vec<Measured>), Failure> {
    let mut sidecar = PooledSidecar::start(dir, 1, &[])?;
    sidecar.fill(1);
    let url = sidecar.url();
    let mut curl = Samples::default();
    let mut hosts = Vec::new();
    for host in HOSTS.into_iter().chain(LARGE_HOSTS) {
        hosts.push((host.name, (host.driver)(url.clone().into())?, Samples::default()));
    }
    // The first round starts the hosts.
    for round in 0..=rounds {
        let time = time_curl(&url)?;
        sidecar.fill(1);
        if round > 0 {
            curl.push(time);
        }
        for (name, driver, samples) in &mut hosts {
            let time = time_host(driver).map_err(|error| format!("{name}: {error}"))?;
            sidecar.fill(1);
            if round > 0 {
                samples.push(time);
            }
        }
    }
    let measured = hosts.into_iter().map(|(name, _, samples)| Measured { name, samples });
    Ok((curl, measured.collect()))
}

fn time_curl(url: &str) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-H", "content-type: application/json", "-d", BODY, &format!("{url}/v1/executions")]);
    let output = curl.output()?;
    let time = start.elapsed();
    let is_warm = String::from_utf8_lossy(&output.stdout).contains(r#""warm":true"#);
    if is_warm { Ok(time) } else { Err(format!("{output:?}").into()) }
}

fn time_host(driver: &Arc<dyn Driver>) -> Result<Duration, Failure> {
    let start = Instant::now();
    let result = driver.execute(Request::new(CODE))?;
    let time = start.elapsed();
    let is_correct = result.as_ref().is_ok_and(|outcome| outcome.is_success("42\n") && outcome.warm);
    if is_correct { Ok(time) } else { Err(format!("{result:?}").into()) }
}
