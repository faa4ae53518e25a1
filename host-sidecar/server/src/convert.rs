//! The conversion of a request of the HTTP API. It decides nothing.

use cofferdam_types::Request;

pub(crate) fn request(request: cofferdam_http_api::Request) -> Request {
    Request {
        code: request.code,
        language: request.language,
        args: request.args,
        env: request.env.into_iter().collect(),
        stdin: request.stdin.unwrap_or_default().0,
        files: request.files.into_iter().map(Into::into).collect(),
        collect: request.collect,
        limits: request.limits,
        network: request.network,
        image: request.image,
        labels: request.labels.into_iter().collect(),
    }
}
