//! The metrics of sessions.

use super::name;
use crate::api_error::describe;
use cofferdam_core::session::{Ended, ExecutionEnd, LostReason};
use cofferdam_types::Error;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    /// Why the session ended.
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExecutionLabels {
    /// How the program ended, or the code of the error.
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByteLabels {
    /// `in` to the sandbox, `out` of it.
    direction: &'static str,
}

/// The metrics of sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionMetrics {
    open: Gauge,
    created: Counter,
    ended: Family<EndLabels, Counter>,
    executions: Family<ExecutionLabels, Counter>,
    bytes: Family<ByteLabels, Counter>,
}

/// A session that is counted as open until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenSession(SessionMetrics);

impl SessionMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("open", "Sessions that are open", metrics.open.clone());
        registry.register("created", "Sessions that were created", metrics.created.clone());
        registry.register("ended", "Sessions that have ended, by the reason", metrics.ended.clone());
        registry.register(
            "executions",
            "Executions in sessions, by how the program ended",
            metrics.executions.clone(),
        );
        let help = "Bytes of files and streams of sessions";
        registry.register_with_unit("transferred", help, Unit::Bytes, metrics.bytes.clone());
        metrics
    }

    /// Counts a session that was created.
    pub(crate) fn opened(&self) -> OpenSession {
        self.created.inc();
        self.open.inc();
        OpenSession(self.clone())
    }

    /// Counts an execution that has ended.
    pub(crate) fn execution_ended(&self, end: &Result<ExecutionEnd, Error>) {
        let result = match end {
            Ok(end) => name(end.status),
            Err(error) => describe(error.code).0,
        };
        self.executions.get_or_create(&ExecutionLabels { result }).inc();
    }

    /// Counts bytes that go into a sandbox.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes.get_or_create(&ByteLabels { direction: "in" }).inc_by(bytes as u64);
    }

    /// Counts bytes that come out of a sandbox.
    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes.get_or_create(&ByteLabels { direction: "out" }).inc_by(bytes as u64);
    }
}

impl OpenSession {
    /// Counts the end of the session.
    pub(crate) fn ended(self, ended: Ended) {
        self.0.ended.get_or_create(&EndLabels { reason: reason(ended) }).inc();
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}

fn reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Closed => "closed",
        Ended::Expired => "expired",
        Ended::Idle => "idle",
        Ended::Lost(LostReason::Evicted) => "evicted",
        Ended::Lost(LostReason::NodeLost) => "node-lost",
        Ended::Lost(LostReason::OutOfMemory) => "out-of-memory",
        Ended::Lost(LostReason::RunnerGone) => "runner-gone",
        Ended::Lost(LostReason::NotResponding) => "not-responding",
        Ended::Lost(LostReason::ProtocolViolated) => "protocol-violated",
        Ended::Lost(LostReason::Unkillable) => "unkillable",
        Ended::Lost(LostReason::Unattended) => "unattended",
        Ended::Lost(LostReason::SidecarEnds) => "sidecar-ends",
        Ended::Lost(_) => "lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{ErrorCode, Status};
    use prometheus_client::encoding::text;
    use std::time::Duration;

    #[test]
    fn sessions_executions_and_bytes_are_counted() {
        let mut registry = Registry::default();
        let metrics = SessionMetrics::register(&mut registry);
        let (one, _other) = (metrics.opened(), metrics.opened());
        one.ended(Ended::Lost(LostReason::Evicted));
        let end = ExecutionEnd { status: Status::Exited(1), run_time: Duration::ZERO, left_running: 0 };
        metrics.execution_ended(&Ok(end));
        metrics.execution_ended(&Err(Error::new(ErrorCode::Gone, "gone")));
        metrics.received(3);
        metrics.sent(5);
        let mut encoded = String::new();
        text::encode(&mut encoded, &registry).expect("text");
        for line in [
            "open 1",
            "created_total 2",
            "ended_total{reason=\"evicted\"} 1",
            "executions_total{result=\"exited\"} 1",
            "executions_total{result=\"gone\"} 1",
            "transferred_bytes_total{direction=\"in\"} 3",
            "transferred_bytes_total{direction=\"out\"} 5",
        ] {
            assert!(encoded.lines().any(|found| found == line), "{line}\n{encoded}");
        }
    }
}
