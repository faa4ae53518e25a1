//! Turns the output of the probe into findings. Pure.

use super::{
    RUN,
    finding::Finding,
    target::{Destination, Target},
};
use cofferdam_types::{Report, Status};
use serde::Deserialize;
use std::time::Duration;

const GVISOR: &str = "gvisor";
const NETWORK: &str = "network";
const TIME: &str = "time";

/// The output of the probe.
#[derive(Debug, Deserialize)]
struct ProbeOutput {
    kernel: String,
    attempts: Vec<AttemptResult>,
}

/// The result of one attempt. It is empty if the attempt timed out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AttemptResult {
    /// How the attempt succeeded; none if it failed.
    reached: Option<String>,
}

/// The findings of a probe that tried to reach these targets: one for each destination, and those of the
/// kernel and the time.
pub fn classify(report: &Report, destinations: &[Destination], targets: &[Target]) -> Vec<Finding> {
    let output = match parse(report, targets.len()) {
        Ok(output) => output,
        Err(problem) => {
            let advice = "use an image with python3 3.7 or later, and the default limits";
            return vec![Finding::failed(RUN, problem, advice)];
        }
    };
    // The runner executes nothing outside gVisor.
    let kernel = Finding::ok(GVISOR, format!("gVisor: the kernel calls itself {}", output.kernel));
    let networks = destinations.iter().map(|destination| {
        let attempts = targets.iter().zip(&output.attempts);
        network(
            *destination,
            &attempts.filter(|(target, _)| target.destination == *destination).collect::<Vec<_>>(),
        )
    });
    [kernel].into_iter().chain(networks).chain([time(report)]).collect()
}

fn parse(report: &Report, targets: usize) -> Result<ProbeOutput, String> {
    if report.status != Status::Exited(0) {
        let stderr = String::from_utf8_lossy(&report.stderr.bytes);
        let last_line = stderr.lines().last().unwrap_or_default();
        return Err(format!("the probe failed with the status {:?}: {last_line}", report.status));
    }
    let output: ProbeOutput = serde_json::from_slice(report.stdout.bytes.trim_ascii())
        .map_err(|error| format!("the output of the probe cannot be parsed: {error}"))?;
    let attempts = output.attempts.len();
    if attempts == targets {
        Ok(output)
    } else {
        Err(format!("the output of the probe contains {attempts} of {targets} attempts"))
    }
}

fn network(destination: Destination, attempts: &[(&Target, &AttemptResult)]) -> Finding {
    let noun = destination.noun();
    if attempts.is_empty() {
        return Finding::skipped(NETWORK, format!("no {noun} is known to the check"));
    }
    let mut reached = attempts.iter().filter_map(|(target, result)| Some((target, result.reached.as_ref()?)));
    if let Some((target, how)) = reached.next() {
        let text = format!("the program reaches {}, and must not reach any {noun}: {how}", target.attempt);
        let advice = "do not execute untrusted code here, and report this as SECURITY.md describes: the program's \
                      network namespace is not empty";
        return Finding::failed(NETWORK, text, advice);
    }
    let addresses: Vec<String> = attempts.iter().map(|(target, _)| target.attempt.to_string()).collect();
    Finding::ok(NETWORK, format!("the program reaches no {noun} ({})", addresses.join(", ")))
}

fn time(report: &Report) -> Finding {
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let timings = &report.timings;
    let parts = [("a node was found", timings.scheduled), ("its program started", timings.started)];
    let parts =
        parts.into_iter().filter_map(|(what, time)| Some(format!("; {what} after {}", seconds(time?))));
    Finding::ok(TIME, format!("an execution took {}{}", seconds(timings.answered), parts.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Verdict, *};
    use cofferdam_types::{Capture, Timings};

    const DESTINATIONS: [Destination; 2] = [Destination::Metadata, Destination::Dns];

    fn report(status: Status, stdout: &str, stderr: &str) -> Report {
        let capture = |text: &str| Capture { bytes: text.into(), length: text.len() as u64, cut: None };
        Report {
            id: "run-0".into(),
            status,
            stdout: capture(stdout),
            stderr: capture(stderr),
            files: Vec::new(),
            skipped: Vec::new(),
            timings: Timings {
                started: Some(Duration::from_millis(1900)),
                answered: Duration::from_millis(2310),
                ..Timings::default()
            },
            warm: false,
        }
    }

    fn found(stdout: &str, targets: &[Target]) -> Vec<(Verdict, String)> {
        let findings = classify(&report(Status::Exited(0), stdout, ""), &DESTINATIONS, targets);
        findings.into_iter().map(|finding| (finding.verdict, finding.text)).collect()
    }

    #[test]
    fn a_sandbox_without_a_network_passes() {
        let stdout = r#"{"kernel": "4.19.0-gvisor", "attempts": [{"failed": "Network is unreachable"}, {}]}"#;
        let found =
            found(&format!("{stdout}\n"), &[Target::metadata(), Target::name("kubernetes.default.svc")]);
        let expected = [
            "gVisor: the kernel calls itself 4.19.0-gvisor",
            "the program reaches no metadata address (169.254.169.254:80)",
            "the program reaches no DNS (kubernetes.default.svc)",
            "an execution took 2.3 s; its program started after 1.9 s",
        ];
        assert_eq!(found, expected.map(|text| (Verdict::Ok, text.to_owned())));
    }

    #[test]
    fn a_reached_destination_fails_and_one_without_targets_is_skipped() {
        let stdout = r#"{"kernel": "x-gvisor", "attempts": [{"reached": "it refused the connection"}]}"#;
        let found = found(stdout, &[Target::metadata()]);
        assert_eq!(found[1].0, Verdict::Failed);
        assert!(found[1].1.contains("reaches 169.254.169.254:80, and must not"), "{}", found[1].1);
        assert_eq!(found[2].0, Verdict::Skipped);
    }

    #[test]
    fn unusable_output_of_the_probe_is_a_failure() {
        for (status, stdout, stderr, expected) in [
            (Status::OutOfMemory, "", "", "OutOfMemory"),
            (Status::Exited(1), "", "Traceback\nModuleNotFoundError: json\n", "ModuleNotFoundError: json"),
            (Status::Exited(0), "hello", "", "cannot be parsed"),
            (Status::Exited(0), r#"{"kernel": "x", "attempts": []}"#, "", "0 of 1"),
        ] {
            let findings = classify(&report(status, stdout, stderr), &DESTINATIONS, &[Target::metadata()]);
            assert_eq!(findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Failed]);
            assert!(findings[0].text.contains(expected), "{}", findings[0]);
        }
    }
}
