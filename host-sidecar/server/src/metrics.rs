//! What Prometheus reads.

use super::pool_collector::PoolCollector;
use super::{problem::kind, server::Server};
use axum::{
    extract::State,
    http::{Method, header},
    response::IntoResponse,
};
use cofferdam_core::pool::PoolMetrics;
use cofferdam_types::{Error, Report, Status};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{sync::Arc, time::Duration};

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds, from what a warm start may take to the longest that a run usually may.
const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0, 300.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    /// How the program ended, or the code of the error.
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
    /// Whether the sandbox was there before the request.
    start: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    status: String,
}

/// All figures.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    runs: Family<RunLabels, Counter>,
    errors: Family<RunLabels, Counter>,
    phases: Family<PhaseLabels, Histogram>,
    requests: Family<RequestLabels, Counter>,
    in_flight: Gauge,
    queued: Gauge,
}

impl Metrics {
    /// With those of the pool, if there is one.
    pub(super) fn new(pool: Option<PoolMetrics>) -> Self {
        let mut registry = Registry::with_prefix("cofferdam");
        let metrics = Self {
            runs: Family::default(),
            errors: Family::default(),
            phases: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            requests: Family::default(),
            in_flight: Gauge::default(),
            queued: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("runs", "Runs that took place, by how the program ended", metrics.runs.clone());
        registry.register("failed_runs", "Runs that did not take place or got lost, by code", metrics.errors.clone());
        registry.register("phase_seconds", "Time that runs spent in each phase", metrics.phases.clone());
        registry.register("http_requests", "Requests, by method and status", metrics.requests.clone());
        registry.register("runs_in_flight", "Runs that take place now", metrics.in_flight.clone());
        registry.register("runs_queued", "Requests that wait for their turn", metrics.queued.clone());
        if let Some(pool) = pool {
            registry.sub_registry_with_prefix("pool").register_collector(Box::new(PoolCollector(pool)));
        }
        Self { registry, ..metrics }
    }

    /// A run is over.
    pub(super) fn ran(&self, result: &Result<Report, Error>) {
        match result {
            Ok(report) => {
                self.runs.get_or_create(&RunLabels { result: name(report.status) }).inc();
                let timings = &report.timings;
                let mut begun = Duration::ZERO;
                for (phase, end) in [
                    ("queued", timings.queued),
                    ("starting", timings.started),
                    ("running", timings.finished),
                    ("cleaning", Some(timings.answered)),
                ] {
                    let Some(end) = end else { continue };
                    let labels = PhaseLabels { phase, start: if report.warm { "warm" } else { "cold" } };
                    self.phases.get_or_create(&labels).observe(end.saturating_sub(begun).as_secs_f64());
                    begun = end;
                }
            }
            Err(error) => {
                self.errors.get_or_create(&RunLabels { result: kind(error.code).0 }).inc();
            }
        }
    }

    /// A request has its answer, or nobody waits for one any more.
    pub(super) fn answered(&self, method: &Method, status: &str) {
        // Anybody may invent methods.
        let known = [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS].contains(method);
        let method = if known { method.as_str() } else { "other" };
        self.requests.get_or_create(&RequestLabels { method: method.into(), status: status.into() }).inc();
    }

    fn encode(&self, (in_flight, queued): (usize, usize)) -> String {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.in_flight.set(number(in_flight));
        self.queued.set(number(queued));
        let mut text = String::new();
        // A text takes all that is written.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

fn name(status: Status) -> &'static str {
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

/// The figures, in the text format of OpenMetrics.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Figures for Prometheus", body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], server.metrics.encode(server.admission.used()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{Capture, ErrorCode, Timings};

    #[test]
    fn runs_are_counted_by_their_ends_and_timed_by_their_phases() {
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
        metrics.ran(&Ok(report));
        metrics.ran(&Err(Error::new(ErrorCode::Overloaded, "full")));
        metrics.answered(&Method::POST, "200");
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
