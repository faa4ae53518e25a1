//! What a call gets that says nothing else. Pure.

use crate::mcp::McpConfig;
use cofferdam_core::policy::{Limits, Policy};
use cofferdam_types::RequestedLimits;

/// The bounds of a call that asks for none.
pub(super) fn limits(policy: &Policy, mcp: &McpConfig) -> Limits {
    // Where nothing is asked for, nothing is refused.
    let limits = policy.limits(&RequestedLimits::default()).unwrap_or(policy.defaults);
    Limits {
        output_bytes: limits.output_bytes.min(mcp.output_limit.0),
        collected_files: limits.collected_files.min(mcp.collected_files),
        collected_bytes: limits.collected_bytes.min(mcp.collected_limit.0),
        ..limits
    }
}

/// The same as a request asks for them, where they are not those of every other request.
pub(super) fn requested(limits: &Limits) -> RequestedLimits {
    RequestedLimits {
        output_bytes: Some(limits.output_bytes),
        collected_files: Some(limits.collected_files),
        collected_bytes: Some(limits.collected_bytes),
        ..RequestedLimits::default()
    }
}
