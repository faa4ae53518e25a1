//! What the log and the spans have of a session's id.

use super::*;
use cofferdam_core::session::short_session_id;
use std::{
    io,
    sync::{Mutex, PoisonError},
};
use tracing_subscriber::fmt::format::FmtSpan;

/// The log of all tests of the process, each of which has its own sessions.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[tokio::test]
async fn no_line_and_no_span_has_a_whole_id() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // For all threads: a span that another one enters first, without a subscriber, would be disabled here too.
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the only one");
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let path = format!("/v1/sessions/{id}");
    let executed = sidecar.json("POST", &format!("{path}/executions"), r#"{"command":["echo","a"]}"#).await;
    assert_eq!(executed.status, 200, "{}", executed.body);
    sidecar.client("bob").session(&id).await.expect_err("a session of another tenant");
    for (method, path, status) in [
        ("GET", format!("{path}/files?path=/none"), 404),
        ("GET", format!("/v1/sessions/%73{}", &id[1..]), 200),
        ("GET", format!("{path}/none"), 404),
        ("DELETE", path.clone(), 204),
        ("GET", path.clone(), 410),
    ] {
        assert_eq!(sidecar.raw(method, &path, &[], "").await.status, status, "{method} {path}");
    }
    let (log, short) = (log.text(), short_session_id(&id));
    for part in [
        format!("path=\"/v1/sessions/{short}/executions\""),
        format!("session=\"{short}\""),
        format!("session_execution{{session=\"{short}\""),
        format!("session{{tenant=\"ada\" id=\"{short}\"}}"),
    ] {
        assert!(log.contains(&part), "{part}\n{log}");
    }
    // The rest of it, also where its beginning is written in another way.
    assert!(!log.contains(&id[short.len()..]), "{log}");
}
