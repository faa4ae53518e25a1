//! Programs that exceed a limit. The session stays usable: the next operation succeeds.

use super::{
    client::{Content, OperationError, expect},
    executions::expect_status,
    session::Session,
};
use hyper::Method;
use serde_json::{Value, json};

/// The bounds of a session, in the settings of its sidecar.
pub(super) const SETTINGS: [(&str, &str); 2] =
    [("COFFERDAM_MEM_LIMIT", "256Mi"), ("COFFERDAM_DISK_LIMIT", "32Mi")];
const STARTED: &str = "started\n";

/// Each of four processes takes less than the session may have.
const TAKES_MEMORY: &str = "
import os, time
print('started', flush=True)
for _ in range(3):
    if os.fork() == 0:
        break
taken = b'x' * (96 << 20)
time.sleep(1000)
";
const FORKS: &str = "
import os, time
print('started', flush=True)
while True:
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except OSError:
        time.sleep(0.1)
";
/// Its processes ignore SIGTERM, or have a session of their own.
const TAKES_TIME: &str = "setsid sleep 1000 & trap '' TERM; echo started; while :; do sleep 1; done";

impl Session {
    pub(super) async fn exceed_memory(&self) -> Result<(), OperationError> {
        self.expect_end(json!({ "code": TAKES_MEMORY }), "out-of-memory").await
    }

    pub(super) async fn exceed_processes(&self) -> Result<(), OperationError> {
        let request = json!({ "code": FORKS, "limits": { "processes": 12 } });
        self.expect_end(request, "out-of-processes").await
    }

    pub(super) async fn exceed_time(&self) -> Result<(), OperationError> {
        let request = json!({ "shell": TAKES_TIME, "limits": { "wall_time_ms": 3000 } });
        self.expect_end(request, "timed-out").await
    }

    async fn expect_end(&self, request: Value, status: &str) -> Result<(), OperationError> {
        let outcome = self.run(request).await?;
        expect_status(outcome.status, &json!(status))?;
        let output = outcome.stdout.content.0;
        expect(output == STARTED.as_bytes(), || format!("it printed {:?}", String::from_utf8_lossy(&output)))
    }

    pub(super) async fn exceed_disk(&mut self) -> Result<(), OperationError> {
        let name = self.new_name();
        let dd = json!({ "command": ["dd", "if=/dev/zero", format!("of={name}"), "bs=1M", "count=64"] });
        let outcome = self.run(dd).await?;
        expect_status(outcome.status, &json!({ "out-of-disk": 1 }))?;
        let path = format!("/files?path={}", self.new_name());
        self.send(Method::PUT, &path, Content::Bytes(vec![0; 100_000])).await?.expect(413)?;
        self.remove(&name).await
    }
}
