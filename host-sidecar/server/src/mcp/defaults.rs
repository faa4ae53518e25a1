//! The limits of a call. Pure.

use super::config::McpConfig;
use cofferdam_core::policy::{Limits, Policy};
use cofferdam_types::RequestedLimits;

/// The limits of a call that requests none.
pub(super) fn limits(policy: &Policy, mcp: &McpConfig) -> Limits {
    // The policy refuses only what is requested.
    let limits = policy.limits(&RequestedLimits::default()).unwrap_or(policy.defaults);
    Limits {
        output_bytes: limits.output_bytes.min(mcp.output_limit.0),
        collected_files: limits.collected_files.min(mcp.collected_files),
        collected_bytes: limits.collected_bytes.min(mcp.collected_limit.0),
        ..limits
    }
}

/// The limits that differ from those of other requests, as a request.
pub(super) fn requested(limits: &Limits) -> RequestedLimits {
    RequestedLimits {
        output_bytes: Some(limits.output_bytes),
        collected_files: Some(limits.collected_files),
        collected_bytes: Some(limits.collected_bytes),
        ..RequestedLimits::default()
    }
}
