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
        limits: request.limits.map(|limits| cofferdam_types::requested_limits!(limits)).unwrap_or_default(),
        labels: request.labels.iter().flatten().map(|label| (&*label.key, &*label.value)).collect(),
    }
}
