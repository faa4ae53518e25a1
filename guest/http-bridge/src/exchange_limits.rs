//! The timeout of one HTTP exchange, and the maximum size of its response.

use http_bridge_bindings::exports::cofferdam::code_executor::types::Limits;

/// They apply to limits that the request does not set.
const CEILINGS: cofferdam_types::Limits = cofferdam_types::Limits::DEFAULT_CEILINGS;

/// Time for the transfer, for collecting files and for deleting the sandbox.
const OVERHEAD_MS: u64 = 60_000;
/// Timeout for a response that the sidecar gives at once, and for a stream of events without data. The
/// sidecar sends a keep-alive every 15 s.
pub(crate) const IDLE_TIMEOUT_MS: u64 = 60_000;
/// The timers of some hosts hold only 31 bits of milliseconds.
const MAX_TIMEOUT_MS: u64 = 7 * 24 * 3_600_000;

/// Maximum number of bytes in JSON for one byte of output or of a file.
const JSON_EXPANSION: u64 = 2;
/// Bytes of a response that are neither output nor content of files.
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// A component's memory must hold the response and what is decoded from it.
const MAX_RESPONSE_BYTES: u64 = 1 << 30;

/// The limits of one HTTP exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeLimits {
    /// Timeout of the whole exchange, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Maximum size of the response body, in bytes.
    pub(crate) max_response_bytes: usize,
}

impl ExchangeLimits {
    /// The limits for a request with these limits.
    pub(crate) fn of(limits: Option<&Limits>) -> Self {
        let limit =
            |requested: fn(&Limits) -> Option<u64>, default| limits.and_then(requested).unwrap_or(default);
        let timeout_ms = limit(|limits| limits.startup_time_ms, CEILINGS.startup_time_ms)
            .saturating_add(limit(|limits| limits.wall_time_ms, CEILINGS.wall_time_ms))
            .saturating_add(OVERHEAD_MS)
            .min(MAX_TIMEOUT_MS);
        let max_response_bytes = limit(|limits| limits.output_bytes, CEILINGS.output_bytes)
            .saturating_mul(2)
            .saturating_add(limit(|limits| limits.collected_bytes, CEILINGS.collected_bytes))
            .saturating_mul(JSON_EXPANSION)
            .saturating_add(MAX_METADATA_BYTES)
            .min(MAX_RESPONSE_BYTES);
        Self { timeout_ms, max_response_bytes: usize::try_from(max_response_bytes).unwrap_or(usize::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits {
        wall_time_ms: None,
        startup_time_ms: None,
        cpu_millis: None,
        memory_bytes: None,
        disk_bytes: None,
        processes: None,
        output_bytes: None,
        collected_files: None,
        collected_bytes: None,
    };

    #[test]
    fn requested_limits_bound_the_exchange() {
        let limits = Limits {
            wall_time_ms: Some(2000),
            startup_time_ms: Some(1000),
            output_bytes: Some(100),
            collected_bytes: Some(50),
            ..NONE
        };
        assert_eq!(
            ExchangeLimits::of(Some(&limits)),
            ExchangeLimits { timeout_ms: 63_000, max_response_bytes: 250 * 2 + (16 << 20) }
        );
    }

    #[test]
    fn default_ceilings_apply_to_limits_that_are_not_requested() {
        let expected = ExchangeLimits { timeout_ms: 4_260_000, max_response_bytes: 400 << 20 };
        assert_eq!(ExchangeLimits::of(None), expected);
        assert_eq!(ExchangeLimits::of(Some(&NONE)), expected);
    }

    #[test]
    fn the_limits_have_a_maximum() {
        let limits = Limits {
            wall_time_ms: Some(u64::MAX),
            startup_time_ms: Some(u64::MAX),
            output_bytes: Some(u64::MAX),
            collected_bytes: Some(u64::MAX),
            ..NONE
        };
        assert_eq!(
            ExchangeLimits::of(Some(&limits)),
            ExchangeLimits { timeout_ms: MAX_TIMEOUT_MS, max_response_bytes: 1 << 30 }
        );
    }
}
