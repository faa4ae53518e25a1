//! Checks whether this machine can execute programs: that gVisor is installed, and that a probe succeeds in a
//! sandbox.

use crate::{Images, LocalBackend, LocalConfig, SetupError, cgroup::Cgroup};
use cofferdam_core::{
    doctor::{
        Finding, Findings, ProbeOptions, RUN, probe, probe_result,
        target::{Destination, Target},
    },
    new_id,
    os::programs,
    policy::{Limits, Policy},
};
use cofferdam_types::{Error, ErrorCode};
use std::{
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

const CHECK: &str = "gvisor";
const LIMITS: &str = "limits";
/// The destinations that the probe tries to reach.
const DESTINATIONS: [Destination; 3] = [Destination::Metadata, Destination::Dns, Destination::Machine];
/// A name in the public DNS.
const PUBLIC_NAME: &str = "example.com";
/// An address for documentation (RFC 5737). Nothing is sent to it.
const REMOTE_ADDRESS: &str = "192.0.2.1:9";
/// Maximum duration of `runsc --version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// The date of the oldest supported release, as a number.
const MIN_RELEASE: u32 = 20_250_101;

/// Checks this machine.
pub async fn examine(
    config: &LocalConfig,
    images: Option<Arc<dyn Images>>,
    policy: &Policy,
    options: ProbeOptions<'_>,
    findings: &mut Findings<'_>,
) {
    let runsc = match LocalBackend::find_runsc(config) {
        Ok(runsc) => runsc,
        Err(error) => return push_setup_error(&error, findings),
    };
    // Report the version even if something else is missing.
    findings.push(version_finding(&runsc, version(&runsc).await.as_deref()));
    let local = match LocalBackend::new(config) {
        Ok(local) => images.into_iter().fold(local, LocalBackend::with_images),
        Err(error) => return push_setup_error(&error, findings),
    };
    findings.push(limits_finding());
    if let Some(reason) = options.skip_reason() {
        findings.push(Finding::skipped(RUN, reason));
        return;
    }
    let mut targets = vec![Target::metadata(), Target::name(PUBLIC_NAME)];
    targets.extend(own_address().and_then(|address| Target::address(Destination::Machine, address)));
    let probe_findings = match probe::run(&local, policy, &targets, options.cancelled).await {
        Ok(report) => probe_result::classify(&report, &DESTINATIONS, &targets),
        Err(error) => vec![probe_failure(&error)],
    };
    for finding in probe_findings {
        findings.push(finding);
    }
}

fn push_setup_error(error: &SetupError, findings: &mut Findings<'_>) {
    findings.push(setup_failure(error));
    findings.push(Finding::skipped(RUN, "sandboxes cannot be created"));
}

fn setup_failure(error: &SetupError) -> Finding {
    let advice = "correct the setting, or remove it to use the default";
    Finding::failed_with_message(CHECK, &error.to_string(), advice)
}

/// The version that `runsc` reports.
async fn version(runsc: &Path) -> Option<String> {
    let output = programs::command(runsc).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(VERSION_TIMEOUT, output).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.lines().next()?.trim_start_matches("runsc version ").to_owned())
}

fn version_finding(runsc: &Path, version: Option<&str>) -> Finding {
    let runsc = runsc.display();
    match version {
        None => {
            let text = format!("{runsc} does not report a version");
            Finding::failed(CHECK, text, "reinstall gVisor (`make setup`)")
        }
        Some(version) if release_date(version).is_some_and(|date| date < MIN_RELEASE) => {
            let advice = "install a release of 2025 or later (`make setup`)";
            Finding::failed(CHECK, format!("gVisor is too old: {runsc} ({version})"), advice)
        }
        Some(version) => Finding::ok(CHECK, format!("gVisor is installed: {runsc} ({version})")),
    }
}

/// The date of a release as a number; none for a build that is not a release.
fn release_date(version: &str) -> Option<u32> {
    version.strip_prefix("release-")?.split('.').next()?.parse().ok()
}

/// Whether the limits of a sandbox have a cgroup, tried with one that no process joins.
fn limits_finding() -> Finding {
    let limits = Limits { cpu_millis: Some(1000), ..Limits::DEFAULT };
    let cgroup = Cgroup::create(&new_id(), &limits);
    let can_limit_cpu = cgroup.as_ref().is_ok_and(Cgroup::can_limit_cpu);
    let is_deleted = cgroup.and_then(Cgroup::delete).is_ok();
    if can_limit_cpu && is_deleted {
        return Finding::ok(LIMITS, "limits on memory and processors are enforced by cgroups");
    }
    let text = "this user cannot create cgroups: memory is limited without one, and `--cpu` is refused";
    Finding::warning(LIMITS, text, "run as root if a program needs a limit on processors")
}

/// This machine's address for outgoing connections, with a port that is probably closed: a refused connection
/// also proves that the machine is reachable.
fn own_address() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(REMOTE_ADDRESS).ok()?;
    socket.local_addr().ok()
}

fn probe_failure(error: &Error) -> Finding {
    let message = &error.message;
    let detail = error.detail.as_ref().filter(|detail| !message.contains(*detail));
    let text = detail.map_or_else(|| message.clone(), |detail| format!("{message}: {detail}"));
    let advice = match error.code {
        // The runner's words.
        _ if text.contains("cannot start \"python3\"") => {
            "programs of Python need it in their root file system: install it, or use an image that has it"
        }
        ErrorCode::Cancelled => "run `cofferdam doctor` again without interrupting it",
        ErrorCode::StartupTimeout => "try again when the load is lower, or raise `startup_timeout_seconds`",
        ErrorCode::SandboxUnavailable => {
            "check that gVisor is a release of 2025 or later; see the log with COFFERDAM_LOG=debug"
        }
        _ => "see the log with COFFERDAM_LOG=debug",
    };
    Finding::failed(RUN, format!("the probe failed: {text}"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;

    #[test]
    fn releases_of_gvisor_before_2025_are_refused() {
        let verdict = |version| version_finding(Path::new("/bin/runsc"), version).verdict;
        assert_eq!(verdict(Some("release-20251117.0")), Verdict::Ok);
        assert_eq!(verdict(Some("release-20240401.0-12-gabc")), Verdict::Failed);
        assert_eq!(verdict(Some("VERSION_MISSING")), Verdict::Ok);
        assert_eq!(verdict(None), Verdict::Failed);
    }

    #[test]
    fn a_missing_python_is_reported_once_and_with_advice() {
        let reason = "cannot start \"python3\": No such file or directory (os error 2)";
        let message = format!("the sandbox could not start the program: {reason}");
        let finding = probe_failure(&Error::new(ErrorCode::SandboxUnavailable, message).with_detail(reason));
        assert_eq!(finding.text.matches("python3").count(), 1, "{}", finding.text);
        assert!(finding.advice.is_some_and(|advice| advice.contains("install it")));
    }

    #[test]
    fn missing_gvisor_is_reported_with_advice() {
        let error = SetupError::NoRunsc { cache: None };
        let finding = setup_failure(&error);
        assert!(finding.advice.is_some_and(|advice| advice.contains("--runsc")), "{}", finding.text);
    }
}
