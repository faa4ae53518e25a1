//! The metrics of the sidecar, for Prometheus.

mod pool_collector;
mod sessions;

use crate::api_error::describe;
use cofferdam_core::pool::PoolMetrics;
use cofferdam_types::{Error, Report, Status};
use http::Method;
use pool_collector::PoolCollector;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use sessions::SessionMetrics;
use std::time::Duration;

pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds, from the duration of a warm start to that of a long execution.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0, 300.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExecutionLabels {
    /// How the program ended, or the code of the error.
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
    /// `warm` if the sandbox was prewarmed, else `cold`.
    start: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    status: String,
}

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    executions: Family<ExecutionLabels, Counter>,
    errors: Family<ExecutionLabels, Counter>,
    phases: Family<PhaseLabels, Histogram>,
    requests: Family<RequestLabels, Counter>,
    running: Gauge,
    queued: Gauge,
    /// Those of sessions.
    pub(crate) sessions: SessionMetrics,
}

impl Metrics {
    /// Includes the metrics of the pool, if there is one.
    pub(crate) fn new(pool: Option<PoolMetrics>) -> Self {
        let mut registry = Registry::with_prefix("cofferdam");
        let metrics = Self {
            executions: Family::default(),
            errors: Family::default(),
            phases: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            requests: Family::default(),
            running: Gauge::default(),
            queued: Gauge::default(),
            sessions: SessionMetrics::register(registry.sub_registry_with_prefix("sessions")),
            registry: Registry::default(),
        };
        registry.register("runs", "Executions, by how the program ended", metrics.executions.clone());
        registry.register(
            "failed_runs",
            "Executions without an outcome, by error code",
            metrics.errors.clone(),
        );
        registry.register(
            "phase_seconds",
            "Time that executions spent in each phase",
            metrics.phases.clone(),
        );
        registry.register("http_requests", "Requests, by method and status", metrics.requests.clone());
        registry.register("runs_in_flight", "Executions that are running", metrics.running.clone());
        registry.register(
            "runs_queued",
            "Requests that wait to run or send their body",
            metrics.queued.clone(),
        );
        if let Some(pool) = pool {
            registry.sub_registry_with_prefix("pool").register_collector(Box::new(PoolCollector(pool)));
        }
        Self { registry, ..metrics }
    }

    /// Counts an execution that has ended, and records the duration of its phases.
    pub(crate) fn record_execution(&self, result: &Result<Report, Error>) {
        match result {
            Ok(report) => {
                self.executions.get_or_create(&ExecutionLabels { result: name(report.status) }).inc();
                self.record_phases(report);
            }
            Err(error) => {
                self.errors.get_or_create(&ExecutionLabels { result: describe(error.code).0 }).inc();
            }
        }
    }

    fn record_phases(&self, report: &Report) {
        let timings = &report.timings;
        let start = if report.warm { "warm" } else { "cold" };
        let mut begin = Duration::ZERO;
        for (phase, end) in [
            ("queued", timings.queued),
            ("starting", timings.started),
            ("running", timings.finished),
            ("cleaning", Some(timings.answered)),
        ] {
            let Some(end) = end else { continue };
            let duration = end.saturating_sub(begin).as_secs_f64();
            self.phases.get_or_create(&PhaseLabels { phase, start }).observe(duration);
            begin = end;
        }
    }

    /// Counts a request that was answered, or whose caller disconnected.
    pub(crate) fn record_request(&self, method: &Method, status: &str) {
        // Callers can invent methods, and each label takes memory.
        let known = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ]
        .contains(method);
        let method = if known { method.as_str() } else { "other" };
        self.requests.get_or_create(&RequestLabels { method: method.into(), status: status.into() }).inc();
    }

    /// The metrics as text, with the current number of running and queued executions.
    pub(crate) fn encode(&self, (running, queued): (usize, usize)) -> String {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.running.set(number(running));
        self.queued.set(number(queued));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

pub(crate) fn name(status: Status) -> &'static str {
    match status {
        Status::Exited(0) => "succeeded",
        Status::Exited(_) => "exited",
        Status::Killed(_) => "killed",
        Status::TimedOut => "timed-out",
        Status::OutOfMemory => "out-of-memory",
        Status::OutOfDisk(_) => "out-of-disk",
        Status::OutOfProcesses => "out-of-processes",
        Status::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{Capture, ErrorCode, Timings};

    #[test]
    fn executions_are_counted_by_result_and_timed_by_phase() {
        let metrics = Metrics::new(None);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let timings = Timings {
            queued: seconds(1),
            started: seconds(3),
            finished: seconds(6),
            answered: Duration::from_secs(10),
            ..Timings::default()
        };
        let report = Report {
            id: "run-0".into(),
            status: Status::TimedOut,
            stdout: Capture::default(),
            stderr: Capture::default(),
            files: vec![],
            skipped: vec![],
            timings,
            warm: false,
        };
        metrics.record_execution(&Ok(report));
        metrics.record_execution(&Err(Error::new(ErrorCode::Overloaded, "full")));
        metrics.record_request(&Method::POST, "200");
        let text = metrics.encode((2, 5));
        for line in [
            "cofferdam_runs_total{result=\"timed-out\"} 1",
            "cofferdam_failed_runs_total{result=\"overloaded\"} 1",
            "cofferdam_phase_seconds_sum{phase=\"queued\",start=\"cold\"} 1.0",
            "cofferdam_phase_seconds_sum{phase=\"starting\",start=\"cold\"} 2.0",
            "cofferdam_phase_seconds_sum{phase=\"running\",start=\"cold\"} 3.0",
            "cofferdam_phase_seconds_sum{phase=\"cleaning\",start=\"cold\"} 4.0",
            "cofferdam_http_requests_total{method=\"POST\",status=\"200\"} 1",
            "cofferdam_runs_in_flight 2",
            "cofferdam_runs_queued 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
