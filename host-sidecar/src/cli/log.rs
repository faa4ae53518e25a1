//! What is told of what happens, and to whom.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

/// Our spans, whatever is shown of them.
const EXPORTED: (&str, Level) = ("cofferdam", Level::INFO);

/// This, or what `COFFERDAM_LOG` asks for, goes to standard error, and spans to the collector, if there is one.
pub(super) fn start(default: &str, collector: Option<&SdkTracerProvider>) {
    let filter = EnvFilter::try_from_env("COFFERDAM_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let shown = fmt::layer().with_writer(io::stderr).without_time().with_filter(filter);
    let exported = collector.map(|provider| {
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer(EXPORTED.0));
        spans.with_filter(Targets::from_iter([EXPORTED]))
    });
    registry().with(shown).with(exported).init();
}
