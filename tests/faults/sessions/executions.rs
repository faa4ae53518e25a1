//! Operations that execute programs.

use super::{
    client::{Content, OperationError, Reading, expect},
    operation::Signal,
    session::Session,
    writer::Writer,
};
use cofferdam_http_api::{Outcome, Status, session::SessionExecution};
use hyper::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Exits with 7 at SIGUSR1, which may come right after its only write and before any wait.
const HANDLES_SIGNAL: &str = "
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
sys.stdout.write('ready\\n')
sys.stdout.flush()
while True:
    time.sleep(0.05)
";
const READY: &str = "ready\n";

impl Session {
    /// Executes a program and gives its outcome.
    pub(super) async fn run(&self, request: Value) -> Result<Outcome, OperationError> {
        self.send(Method::POST, "/executions", Content::Json(request)).await?.expect(200)?.json()
    }

    pub(super) async fn execute(&mut self, writer: Writer) -> Result<(), OperationError> {
        let mark = self.new_name();
        let outcome = self.run(writer.request(&mark)).await?;
        self.has_executed(mark);
        let written = writer.output();
        for (name, output) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            expect(output.content.0 == written, || {
                format!("{} other bytes of {name} of {writer:?}", output.content.0.len())
            })?;
        }
        expect_status(outcome.status, &writer.status())
    }

    pub(super) async fn start_and_follow(
        &mut self,
        writer: Writer,
        cuts: &[usize],
        lost_start: Option<Duration>,
    ) -> Result<(), OperationError> {
        let mark = self.new_name();
        let request = in_background(writer.request(&mark));
        if let Some(time) = lost_start {
            // Whether it has started the program is not known.
            let _ =
                timeout(time, self.send(Method::POST, "/executions", Content::Json(request.clone()))).await;
        }
        let started = self.send(Method::POST, "/executions", Content::Json(request)).await?;
        // Its id is taken if the first request has started it.
        let is_taken = started.status == 409 && lost_start.is_some();
        started.expect(if is_taken { 409 } else { 202 })?;
        let written = writer.output();
        let end = self.follow(&mark, [&written, &written], cuts).await?;
        expect_status(end.status, &writer.status())?;
        // All of it is there for another reader.
        self.follow(&mark, [&written, &written], &[]).await?;
        self.has_executed(mark);
        Ok(())
    }

    pub(super) async fn abandon(&mut self, bytes: usize) -> Result<(), OperationError> {
        let name = self.new_name();
        let request = json!({ "id": name, "command": ["sh", "-c", "seq 100; sleep 600"] });
        self.execute_and_leave(request, bytes).await?;
        let end = self.wait(&name).await?;
        expect_status(end.status, &json!("cancelled"))
    }

    pub(super) async fn signal(&mut self, signal: Signal) -> Result<(), OperationError> {
        let name = self.new_name();
        let request = in_background(json!({ "id": name, "code": HANDLES_SIGNAL }));
        let started = self.send(Method::POST, "/executions", Content::Json(request)).await?.expect(202)?;
        started.json::<SessionExecution>()?;
        let (number, status) = match signal {
            Signal::Handled => (10, json!({ "exited": 7 })),
            Signal::Kill => (9, json!({ "killed": 9 })),
        };
        let output = format!("/executions/{name}/output");
        self.read(&output, Reading::Text(r#""stdout":"ready"#)).await?;
        let path = format!("/executions/{name}/signal");
        let sent = self.send(Method::POST, &path, Content::Json(json!({ "signal": number }))).await?;
        sent.expect(204)?;
        let end = self.follow(&name, [READY.as_bytes(), b""], &[]).await?;
        expect_status(end.status, &status)
    }
}

fn in_background(mut request: Value) -> Value {
    request["background"] = true.into();
    request
}

/// Fails unless a status is this one, as JSON.
pub(super) fn expect_status(status: Status, expected: &Value) -> Result<(), OperationError> {
    let status = serde_json::to_value(status).unwrap_or_default();
    expect(status == *expected, || format!("{status} instead of {expected}"))
}
