//! What a probe's answer says of its sandbox. Pure.

use super::{
    RUN,
    finding::Finding,
    target::{Outside, Target},
};
use cofferdam_types::{Report, Status};
use serde::Deserialize;
use std::time::Duration;

const GVISOR: &str = "gvisor";
const NETWORK: &str = "network";
const TIME: &str = "time";

/// As the probe writes it.
#[derive(Debug, Deserialize)]
struct Answer {
    kernel: String,
    attempts: Vec<Outcome>,
}

/// What came of one attempt; nothing of one that was given up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outcome {
    reached: Option<String>,
}

/// What is to be told of a probe that took place: these parts of the outside, of which the targets were tried.
pub fn judge(report: &Report, outside: &[Outside], targets: &[Target]) -> Vec<Finding> {
    let answer = match read(report, targets.len()) {
        Ok(answer) => answer,
        Err(problem) => {
            let advice = "an image with an ordinary python3 of 3.7 or later, and the default limits, are enough for it";
            return vec![Finding::failed(RUN, format!("a run: {problem}"), advice)];
        }
    };
    // That it ran at all is the runner's word for it that this is gVisor.
    let kernel = Finding::ok(GVISOR, format!("gVisor: the kernel calls itself {}", answer.kernel));
    let tried: Vec<_> = targets.iter().zip(&answer.attempts).collect();
    let networks = outside.iter().map(|outside| {
        let tried = tried.iter().filter(|(target, _)| target.outside == *outside);
        judge_network(*outside, &tried.map(|(target, outcome)| (*target, *outcome)).collect::<Vec<_>>())
    });
    [kernel].into_iter().chain(networks).chain([time(report)]).collect()
}

fn read(report: &Report, targets: usize) -> Result<Answer, String> {
    if report.status != Status::Exited(0) {
        let said = String::from_utf8_lossy(&report.stderr.bytes);
        let last = said.lines().last().unwrap_or_default();
        return Err(format!("the probe ended with {:?}: {last}", report.status));
    }
    let answer: Answer = serde_json::from_slice(report.stdout.bytes.trim_ascii())
        .map_err(|error| format!("the probe's answer cannot be read: {error}"))?;
    if answer.attempts.len() == targets {
        Ok(answer)
    } else {
        Err(format!("the probe's answer is about {} of {targets} attempts", answer.attempts.len()))
    }
}

fn judge_network(outside: Outside, tried: &[(&Target, &Outcome)]) -> Finding {
    let noun = outside.noun();
    if tried.is_empty() {
        return Finding::skipped(NETWORK, format!("no {noun} is known that could be tried"));
    }
    let mut reached = tried.iter().filter_map(|(target, outcome)| Some((target, outcome.reached.as_ref()?)));
    if let Some((target, how)) = reached.next() {
        let text = format!("the program reaches {}, and is to reach no {noun}: {how}", target.attempt);
        let advice = "run nothing here that nobody has read, and report it as SECURITY.md says: the program's network \
                      namespace is not empty";
        return Finding::failed(NETWORK, text, advice);
    }
    let places: Vec<String> = tried.iter().map(|(target, _)| target.attempt.to_string()).collect();
    Finding::ok(NETWORK, format!("the program reaches no {noun} ({})", places.join(", ")))
}

fn time(report: &Report) -> Finding {
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let timings = &report.timings;
    let parts = [("a node was found", timings.scheduled), ("its program started", timings.started)];
    let parts = parts.into_iter().filter_map(|(what, time)| Some(format!("; {what} after {}", seconds(time?))));
    Finding::ok(TIME, format!("a run took {}{}", seconds(timings.answered), parts.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Verdict, *};
    use cofferdam_types::{Capture, Timings};

    const OUTSIDE: [Outside; 2] = [Outside::Metadata, Outside::Names];

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
        let findings = judge(&report(Status::Exited(0), stdout, ""), &OUTSIDE, targets);
        findings.into_iter().map(|finding| (finding.verdict, finding.text)).collect()
    }

    #[test]
    fn a_closed_sandbox_is_all_well() {
        let stdout = r#"{"kernel": "4.19.0-gvisor", "attempts": [{"failed": "Network is unreachable"}, {}]}"#;
        let found = found(&format!("{stdout}\n"), &[Target::metadata(), Target::name("kubernetes.default.svc")]);
        let expected = [
            "gVisor: the kernel calls itself 4.19.0-gvisor",
            "the program reaches no metadata address (169.254.169.254:80)",
            "the program reaches no DNS (kubernetes.default.svc)",
            "a run took 2.3 s; its program started after 1.9 s",
        ];
        assert_eq!(found, expected.map(|text| (Verdict::Ok, text.to_owned())));
    }

    #[test]
    fn whatever_is_reached_fails_and_what_was_not_tried_is_skipped() {
        let stdout = r#"{"kernel": "x-gvisor", "attempts": [{"reached": "it refused the connection"}]}"#;
        let found = found(stdout, &[Target::metadata()]);
        assert_eq!(found[1].0, Verdict::Failed);
        assert!(found[1].1.contains("reaches 169.254.169.254:80, and is"), "{}", found[1].1);
        assert_eq!(found[2].0, Verdict::Skipped);
    }

    #[test]
    fn a_probe_that_says_nothing_of_use_failed() {
        for (status, stdout, stderr, expected) in [
            (Status::OutOfMemory, "", "", "OutOfMemory"),
            (Status::Exited(1), "", "Traceback\nModuleNotFoundError: json\n", "ModuleNotFoundError: json"),
            (Status::Exited(0), "hello", "", "cannot be read"),
            (Status::Exited(0), r#"{"kernel": "x", "attempts": []}"#, "", "0 of 1"),
        ] {
            let findings = judge(&report(status, stdout, stderr), &OUTSIDE, &[Target::metadata()]);
            assert_eq!(findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Failed]);
            assert!(findings[0].text.contains(expected), "{}", findings[0]);
        }
    }
}
