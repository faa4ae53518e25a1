//! The program of the load test, which prints the times of its start and its end.

use cofferdam_tests::sidecar::HttpResponse;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A request for a program that takes this long and whose starts are counted by its mark.
pub(crate) fn program(mark: &str, seconds: f64) -> Value {
    let spec =
        json!({ "mark": mark, "writes": "", "times": 1, "pause": seconds, "tells_time": true, "exits": 0 });
    json!({ "code": format!("# {spec}\n") })
}

/// Time since the program's end. `None` if the response is not that of a successful program.
pub(crate) fn since_end(response: &HttpResponse) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let output =
        response.json["stdout"]["content"].as_str().filter(|_| response.json["status"]["exited"] == 0)?;
    let (_, ended) = output.trim_end().split_once('\n')?;
    Some(now.saturating_sub(Duration::from_millis(ended.parse().ok()?)))
}
