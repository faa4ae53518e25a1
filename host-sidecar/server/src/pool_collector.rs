//! The measurements of a pool, as Prometheus reads them.

use cofferdam_core::pool::{Histogram, PoolMetrics};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::fmt;

/// Reads a pool's measurements each time that Prometheus asks.
#[derive(Debug)]
pub(super) struct PoolCollector(pub(super) PoolMetrics);

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let pool = self.0.snapshot();
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("waiting", "Sandboxes that wait for a program", pool.idle),
            ("starting", "Sandboxes that are being started ahead", pool.starting),
        ] {
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(number(value)).encode(descriptor)?;
        }
        for (name, help, value) in [
            ("hits", "Runs that found a sandbox waiting", pool.hits),
            ("misses", "Runs that found none", pool.misses),
            ("unusable", "Sandboxes that were found gone when a program came", pool.unusable),
            ("failed_starts", "Starts ahead that failed", pool.failed_starts),
        ] {
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(descriptor)?;
        }
        encode_histogram(&mut encoder, "start_seconds", "Time that starts ahead took", &pool.start_seconds)?;
        let help = "Time that sandboxes had waited when a program came";
        encode_histogram(&mut encoder, "age_seconds", help, &pool.age_seconds)
    }
}

fn encode_histogram(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
    let bounds = histogram.bounds.iter().copied().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(histogram.counts.iter().copied()).collect();
    let count = histogram.counts.iter().sum();
    let mut descriptor = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    descriptor.encode_histogram::<NoLabelSet>(histogram.sum, count, &buckets, None)
}
