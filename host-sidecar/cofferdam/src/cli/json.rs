//! The output of `--json`: the outcome or the problem, as the HTTP API returns it.

use super::exit;
use cofferdam_http_api::{FileSummary, Outcome};
use cofferdam_types::{Error, Report};
use serde_json::{Value, json};

/// The outcome of an execution. Files that are written to a directory have a size in place of their content.
/// `interrupt` is the signal that this process received, if it cancelled the execution.
pub(super) fn outcome(report: &Report, interrupt: Option<i32>, with_content: bool) -> Value {
    let mut outcome = Outcome::from(report.clone());
    outcome.exit_code = Some(exit::code(report.status, interrupt));
    if with_content {
        return json!(outcome);
    }
    let files: Vec<_> = std::mem::take(&mut outcome.files).iter().map(FileSummary::from).collect();
    let mut value = json!(outcome);
    value["files"] = json!(files);
    value
}

/// An error, with a description in the words of the command line if there is one.
pub(super) fn error(error: Error, described: Option<String>) -> Value {
    let mut problem = cofferdam_server::to_problem(error);
    problem.detail = described.unwrap_or(problem.detail);
    json!(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{Capture, ErrorCode, File, Status, Timings};

    fn report() -> Report {
        Report {
            id: "run-0".into(),
            status: Status::Cancelled,
            stdout: Capture { bytes: b"a".into(), length: 1, cut: None },
            stderr: Capture::default(),
            files: vec![File::new("f", [0xff])],
            skipped: Vec::new(),
            timings: Timings::default(),
            warm: false,
        }
    }

    #[test]
    fn an_outcome_is_that_of_the_http_api() {
        assert_eq!(outcome(&report(), None, true), json!(Outcome::from(report())));
        assert_eq!(outcome(&report(), None, true)["exit_code"], 130);
        assert_eq!(outcome(&report(), Some(15), true)["exit_code"], 143);
    }

    #[test]
    fn written_files_have_a_size_in_place_of_their_content() {
        let json = outcome(&report(), None, false);
        assert_eq!(json["files"], json!([{ "path": "f", "size": 1 }]));
        assert_eq!(json["stdout"], json!({ "content": "a", "length": 1 }));
    }

    #[test]
    fn an_error_is_a_problem_without_the_operators_detail() {
        let json = error(Error::new(ErrorCode::Quota, "used up").with_detail("secret").retryable(), None);
        assert_eq!((&json["code"], &json["detail"]), (&json!("quota"), &json!("used up")));
        assert_eq!((&json["status"], &json["retryable"]), (&json!(429), &json!(true)));
        assert!(!json.to_string().contains("secret"), "{json}");
    }
}
