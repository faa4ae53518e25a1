//! Whether the backend can execute programs.

use cofferdam_core::Runtime;
use cofferdam_types::Error;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long the backend's last answer is valid. Probes come every few seconds, and each would query the
/// cluster.
const CACHE_TIME: Duration = Duration::from_secs(5);

/// The backend's last answer, and when it came.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Result<(), Error>)>>);

impl Readiness {
    /// Queries the backend unless its last answer is still valid. Concurrent callers share one query.
    pub(crate) async fn check(&self, runtime: &Runtime) -> Result<(), Error> {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(time, _)| time.elapsed() < CACHE_TIME) {
            return answer.clone();
        }
        let answer = runtime.ready().await;
        if let Err(error) = &answer {
            tracing::warn!(code = ?error.code, error = error.log_message(), detail = error.detail, "not ready");
        }
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
