//! Validates the component's request against the contract.

use alloc::{string::ToString, vec::Vec};
use code_executor_bindings::cofferdam::code_executor::types::{Error, ErrorCode, Request};
use cofferdam_types::validation::Violation;

/// Rejects a request that violates the contract.
pub(crate) fn check(request: &Request) -> Result<(), Error> {
    cofferdam_types::validation::check(&borrow(request)).map_err(|violation| Error {
        id: None,
        code: match violation {
            Violation::Invalid(_) => ErrorCode::InvalidRequest,
            Violation::TooLarge(_) => ErrorCode::TooLarge,
        },
        message: violation.to_string(),
        retryable: false,
    })
}

fn borrow(request: &Request) -> cofferdam_types::validation::RequestView<'_> {
    cofferdam_types::validation::RequestView {
        code: &request.code,
        args: request.args.as_deref().unwrap_or_default(),
        env: request.env.iter().flatten().map(|variable| (&*variable.name, &*variable.value)).collect(),
        stdin: request.stdin.as_ref().map_or(0, Vec::len),
        files: request.files.iter().flatten().map(|file| (&*file.path, file.content.len())).collect(),
        collect: request.collect.as_deref().unwrap_or_default(),
        limits: request.limits.as_ref().map_or_else(Vec::new, |limits| {
            [
                ("wall-time-ms", limits.wall_time_ms),
                ("startup-time-ms", limits.startup_time_ms),
                ("cpu-millis", limits.cpu_millis.map(u64::from)),
                ("memory-bytes", limits.memory_bytes),
                ("disk-bytes", limits.disk_bytes),
                ("processes", limits.processes.map(u64::from)),
                ("output-bytes", limits.output_bytes),
                ("collected-files", limits.collected_files.map(u64::from)),
                ("collected-bytes", limits.collected_bytes),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
        }),
        labels: request.labels.iter().flatten().map(|label| (&*label.key, &*label.value)).collect(),
    }
}
