//! Whether this machine can execute programs: gVisor, and one execution.

use crate::{LocalBackend, LocalConfig, SetupError};
use cofferdam_core::{
    doctor::{
        Finding, Findings, ProbeOptions, RUN, probe, probe_result,
        target::{Outside, Target},
    },
    os::programs,
    policy::Policy,
};
use cofferdam_types::{Error, ErrorCode};
use std::{
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::time::timeout;

const CHECK: &str = "gvisor";
/// What is tried of this machine.
const OUTSIDE: [Outside; 3] = [Outside::Metadata, Outside::Names, Outside::Machine];
/// A name that the world's DNS knows.
const NAME: &str = "example.com";
/// Somewhere in the world. Nothing is sent there. Source: RFC 5737.
const ELSEWHERE: &str = "192.0.2.1:9";
/// How long gVisor may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first release whose sandboxes runs can be in.
const OLDEST: u32 = 20_250_101;

/// Examines this machine.
pub async fn examine(config: &LocalConfig, policy: &Policy, probing: ProbeOptions<'_>, findings: &mut Findings<'_>) {
    let runsc = match LocalBackend::find_runsc(config) {
        Ok(runsc) => runsc,
        Err(error) => return lacking(&error, findings),
    };
    // It is named even where something else is missing.
    findings.push(judge_version(&runsc, version(&runsc).await.as_deref()));
    let local = match LocalBackend::new(config) {
        Ok(local) => local,
        Err(error) => return lacking(&error, findings),
    };
    if let Some(why_not) = probing.refusal() {
        findings.push(Finding::skipped(RUN, why_not));
        return;
    }
    let mut targets = vec![Target::metadata(), Target::name(NAME)];
    targets.extend(own_address().and_then(|address| Target::address(Outside::Machine, address)));
    let found = match probe::run(&local, policy, &targets, probing.cancelled).await {
        Ok(report) => probe_result::judge(&report, &OUTSIDE, &targets),
        Err(error) => vec![failed(&error)],
    };
    for finding in found {
        findings.push(finding);
    }
}

fn lacking(error: &SetupError, findings: &mut Findings<'_>) {
    findings.push(judge_lack(error));
    findings.push(Finding::skipped(RUN, "this machine lacks what a run needs"));
}

fn judge_lack(error: &SetupError) -> Finding {
    let otherwise = match error {
        SetupError::NoUserNamespaces { .. } => "do what the message says",
        _ => "name another one, or leave the setting out",
    };
    Finding::failed_with_message(CHECK, &error.to_string(), otherwise)
}

/// What gVisor calls itself.
async fn version(runsc: &Path) -> Option<String> {
    let output = programs::command(runsc).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, output).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.lines().next()?.trim_start_matches("runsc version ").to_owned())
}

fn judge_version(runsc: &Path, version: Option<&str>) -> Finding {
    let runsc = runsc.display();
    match version {
        None => {
            Finding::failed(CHECK, format!("{runsc} does not say its version"), "install gVisor anew (`make setup`)")
        }
        Some(version) if released(version).is_some_and(|date| date < OLDEST) => {
            let advice = "install a release of 2025 or later; `make setup` does";
            Finding::failed(CHECK, format!("gVisor is there, but too old: {runsc} ({version})"), advice)
        }
        Some(version) => Finding::ok(CHECK, format!("gVisor is there: {runsc} ({version})")),
    }
}

/// The date of a release, as a number; what is built from its source need not have one.
fn released(version: &str) -> Option<u32> {
    version.strip_prefix("release-")?.split('.').next()?.parse().ok()
}

/// The address by which this machine would talk to the world, and a port that nobody need listen on: who refuses has
/// been reached.
fn own_address() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(ELSEWHERE).ok()?;
    socket.local_addr().ok()
}

fn failed(error: &Error) -> Finding {
    let what = error.detail.as_ref().map_or_else(|| error.message.clone(), |why| format!("{}: {why}", error.message));
    let advice = match error.code {
        ErrorCode::Cancelled => "run `cofferdam doctor` again and let it end",
        ErrorCode::StartupTimeout => "try again when less is going on, or raise `startup_timeout_seconds`",
        ErrorCode::SandboxUnavailable => {
            "see that gVisor is of 2025 or later, that `rootfs` or /usr has python3, and what COFFERDAM_LOG=debug shows"
        }
        _ => "see what COFFERDAM_LOG=debug shows",
    };
    Finding::failed(RUN, format!("a run: {what}"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;

    #[test]
    fn gvisor_is_judged_by_the_date_of_its_release() {
        let verdict = |version| judge_version(Path::new("/bin/runsc"), version).verdict;
        assert_eq!(verdict(Some("release-20251117.0")), Verdict::Ok);
        assert_eq!(verdict(Some("release-20240401.0-12-gabc")), Verdict::Failed);
        assert_eq!(verdict(Some("VERSION_MISSING")), Verdict::Ok);
        assert_eq!(verdict(None), Verdict::Failed);
    }

    #[test]
    fn what_is_missing_comes_with_what_to_do() {
        let error = SetupError::NoRunsc { cache: None };
        let finding = judge_lack(&error);
        assert!(finding.advice.is_some_and(|advice| advice.contains("--runsc")), "{}", finding.text);
    }
}
