//! The metrics of a pool.

use cofferdam_core::pool::{Histogram, PoolMetrics};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::fmt;

/// Reads the metrics of a pool at each scrape.
#[derive(Debug)]
pub(super) struct PoolCollector(pub(super) PoolMetrics);

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let pool = self.0.snapshot();
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("waiting", "Prewarmed sandboxes that are ready", pool.idle),
            ("starting", "Prewarmed sandboxes that are starting", pool.starting),
        ] {
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(number(value)).encode(descriptor)?;
        }
        for (name, help, value) in [
            ("hits", "Executions in a prewarmed sandbox", pool.hits),
            ("misses", "Executions that found no prewarmed sandbox", pool.misses),
            ("unusable", "Prewarmed sandboxes that no longer responded when they were needed", pool.unusable),
            ("failed_starts", "Prewarmed sandboxes that failed to start", pool.failed_starts),
        ] {
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(descriptor)?;
        }
        let help = "Time that prewarmed sandboxes took to start";
        encode_histogram(&mut encoder, "start_seconds", help, &pool.start_seconds)?;
        let help = "Age of prewarmed sandboxes when an execution took them";
        encode_histogram(&mut encoder, "age_seconds", help, &pool.age_seconds)
    }
}

fn encode_histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    histogram: &Histogram,
) -> fmt::Result {
    let bounds = histogram.bounds.iter().copied().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(histogram.counts.iter().copied()).collect();
    let count = histogram.counts.iter().sum();
    let mut descriptor = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    descriptor.encode_histogram::<NoLabelSet>(histogram.sum, count, &buckets, None)
}
