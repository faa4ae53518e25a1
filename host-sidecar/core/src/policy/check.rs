//! Applies the limits of the contract to a request.

use cofferdam_types::{
    Error, ErrorCode, Request,
    validation::{self, RequestView, Violation},
};

/// Refuses a request that violates the contract. The caller may have checked it before, but is not trusted.
pub(crate) fn check(request: &Request) -> Result<(), Error> {
    validation::check(&view(request)).map_err(|violation| {
        let code = match violation {
            Violation::Invalid(_) => ErrorCode::InvalidRequest,
            Violation::TooLarge(_) => ErrorCode::TooLarge,
        };
        Error::new(code, violation.to_string())
    })
}

fn view(request: &Request) -> RequestView<'_> {
    RequestView {
        code: &request.code,
        args: &request.args,
        env: request.env.iter().map(|(name, value)| (&**name, &**value)).collect(),
        stdin: request.stdin.len(),
        files: request.files.iter().map(|file| (&*file.path, file.content.len())).collect(),
        collect: &request.collect,
        limits: request.limits,
        labels: request.labels.iter().map(|(key, value)| (&**key, &**value)).collect(),
    }
}
