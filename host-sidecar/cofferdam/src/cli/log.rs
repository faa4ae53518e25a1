//! The log on standard error, and spans for a collector.

use super::warnings::Messages;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

/// The spans that are exported.
const EXPORTED: (&str, Level) = ("cofferdam", Level::INFO);

/// Writes warnings to standard error as messages, or a log if `COFFERDAM_LOG` is set.
pub(super) fn start_at_terminal() {
    if std::env::var_os("COFFERDAM_LOG").is_some() {
        return start("cofferdam=warn", None);
    }
    let warnings = Targets::new().with_target("cofferdam", Level::WARN);
    registry().with(fmt::layer().event_format(Messages).with_writer(io::stderr).with_filter(warnings)).init();
}

/// Writes a log with the filter of `COFFERDAM_LOG`, else this one, to standard error, and exports spans to
/// the collector.
pub(super) fn start(default: &str, collector: Option<&SdkTracerProvider>) {
    let filter = EnvFilter::try_from_env("COFFERDAM_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let shown = fmt::layer().with_writer(io::stderr).without_time().with_filter(filter);
    let exported = collector.map(|provider| {
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer(EXPORTED.0));
        spans.with_filter(Targets::from_iter([EXPORTED]))
    });
    registry().with(shown).with(exported).init();
}
