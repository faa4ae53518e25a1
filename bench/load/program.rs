//! What is run: it tells when it has begun and ended.

use cofferdam_tests::sidecar::Answer;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One that takes so many seconds, whose starts are counted under a name.
pub(crate) fn program(mark: &str, seconds: f64) -> Value {
    let does = json!({ "mark": mark, "writes": "", "times": 1, "pause": seconds, "tells_time": true, "exits": 0 });
    json!({ "code": format!("# {does}\n") })
}

/// How long ago such a program had ended when its answer came; none where the answer is not that of one.
pub(crate) fn since_end(answer: &Answer) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let output = answer.json["stdout"]["content"].as_str().filter(|_| answer.json["status"]["exited"] == 0)?;
    let (_, ended) = output.trim_end().split_once('\n')?;
    Some(now.saturating_sub(Duration::from_millis(ended.parse().ok()?)))
}
