//! The body of a request: read within its limits, then parsed.

use super::json_syntax;
use crate::{
    admission::memory::{MemoryBudget, MemoryCharge},
    api_error::ApiError,
};
use axum::body::Body;
use cofferdam_http_api::{ErrorCode, Request, bounded::is_too_large};
use cofferdam_types::{Error, shortened};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::{task::spawn_blocking, time::timeout};

/// Size up to which a body is parsed on the async worker, in bytes.
pub(crate) const SMALL_BODY: u64 = 64 << 10;

/// A complete body, with its memory charge.
#[derive(Debug)]
pub(crate) struct ReceivedBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) charge: MemoryCharge,
}

impl ReceivedBody {
    /// Processes the body; a large one on a blocking thread. The work, and with it the charge, continues if
    /// the caller disconnects.
    pub(crate) async fn process<T: Send + 'static>(
        self,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<(T, MemoryCharge), ApiError> {
        let Self { bytes, charge } = self;
        offload(bytes.len(), move || (work(&bytes), charge)).await
    }
}

/// Reads a body of at most `limit` bytes within `time`, as far as the budget allows.
pub(crate) async fn read(
    body: Body,
    limit: u64,
    time: Duration,
    budget: &MemoryBudget,
) -> Result<ReceivedBody, ApiError> {
    let announced = body.size_hint().lower();
    // Refuse a body by its Content-Length without reading it.
    if announced > limit {
        return Err(too_large(limit));
    }
    let charge = budget.try_charge(announced)?;
    // This reserves address space; the kernel provides memory as bytes arrive.
    let received =
        ReceivedBody { bytes: Vec::with_capacity(usize::try_from(announced).unwrap_or_default()), charge };
    timeout(time, read_frames(received, body, limit, budget)).await.unwrap_or_else(|_| {
        let text = format!("the body was not received within {} s", time.as_secs_f64());
        Err(ApiError::invalid(StatusCode::REQUEST_TIMEOUT, text).retryable())
    })
}

async fn read_frames(
    mut received: ReceivedBody,
    mut body: Body,
    limit: u64,
    budget: &MemoryBudget,
) -> Result<ReceivedBody, ApiError> {
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| ApiError::invalid(StatusCode::BAD_REQUEST, "the body is incomplete"))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = (received.bytes.len() + data.len()) as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        received.charge.grow_to(size, budget)?;
        received.bytes.extend_from_slice(&data);
    }
    Ok(received)
}

/// Does the work for a body of `size` bytes: on a blocking thread if the body is large, so that it delays no
/// other request.
pub(crate) async fn offload<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    if size as u64 <= SMALL_BODY {
        return Ok(work());
    }
    spawn_blocking(work).await.map_err(|error| Error::internal("the request could not be read", error).into())
}

pub(super) fn too_large(limit: u64) -> ApiError {
    let text = format!("the body is larger than {limit} bytes, the limit of this sidecar (serve.body_limit)");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, text)
}

pub(crate) fn parse(body: &[u8]) -> Result<Request, ApiError> {
    parse_as(body, "a request")
}

/// Parses a body, which is `what` if it is well formed.
pub(crate) fn parse_as<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        // serde_json may quote names of the body.
        let text = shortened(&error.to_string());
        if is_too_large(&text) {
            return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, text);
        }
        let expected = if json_syntax::is_wrong(body, &error) { "JSON" } else { what };
        ApiError::invalid(StatusCode::BAD_REQUEST, format!("the body is not {expected}: {text}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServeConfig;
    use axum::response::IntoResponse;
    use cofferdam_core::quantity::Bytes;
    use cofferdam_http_api::Problem;
    use futures_util::FutureExt;
    use std::sync::mpsc::channel;

    #[test]
    fn an_error_names_what_is_wrong_with_the_body() {
        for (body, part) in [
            ("{", "is not JSON"),
            ("[]", "is not a request"),
            ("{}", "missing field `code`"),
            (r#"{"code":"1","cod":1}"#, "unknown field `cod`"),
            (r#"{"code":"1","limits":{"memory":1}}"#, "unknown field `memory`"),
            (r#"{"code":"1"} x"#, "is not JSON"),
            (r#"{"code":"abc"#, "is not JSON: code: EOF while parsing a string"),
            (r#"{"code":"\ud800"}"#, "is not JSON: code: "),
            ("{\"code\":\"\n\"}", "is not JSON: code: control character"),
            (r#"{"code":"1","files":[{"path":"a","content":"\ud800\n"#, "is not JSON: files: content: "),
            (r#"{"code":"1","args":["a",}"#, "is not JSON: args: "),
            (r#"{"code":"1","args":[1"#, "is not a request: args: invalid type: integer"),
            (
                &*format!(r#"{{"code":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
                "is not a request: code: invalid type",
            ),
            (r#"["1"]"#, "is not a request: invalid type: sequence, expected an object"),
            (r#"{"code":"1","stdin":["YQ=="]}"#, "stdin: invalid type: sequence"),
        ] {
            let error = parse(body.as_bytes()).expect_err(body);
            assert!(format!("{error:?}").contains(part), "{body}: {error:?}");
        }
        assert!(parse(br#"{"code":"1"}"#).is_ok());
    }

    #[test]
    fn an_error_about_a_body_is_short_and_without_control_characters() {
        let field = "\\u001b[31m".repeat(1 << 20);
        let error = parse(format!(r#"{{"code":"1","{field}":1}}"#).as_bytes()).expect_err("an unknown field");
        let detail = Problem::from(error).detail;
        assert!(detail.contains("unknown field `\u{fffd}[31m") && !detail.contains('\u{1b}'), "{detail}");
        assert!(detail.len() < 8 << 10, "{} bytes", detail.len());
    }

    #[test]
    fn a_name_in_a_body_is_not_mistaken_for_a_size_error() {
        for body in [
            r#"{"code":"1","too large: at most ":1}"#,
            r#"{"code":"1","limits":{"too large: at most ":1}}"#,
            r#"{"code":"1","files":[{": too large: at most ":1}]}"#,
            r#"{"code":"1","stdin":{"a: too large: at most ":1}}"#,
        ] {
            let problem = Problem::from(parse(body.as_bytes()).expect_err(body));
            assert_eq!(
                (problem.status, problem.code),
                (400, ErrorCode::InvalidRequest),
                "{body}: {}",
                problem.detail
            );
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_before_the_rest_is_parsed() {
        // The rest is not JSON, and is not parsed.
        let body = format!(r#"{{"code":"1","args":[{}"#, r#""","#.repeat(2000));
        let problem = Problem::from(parse(body.as_bytes()).expect_err("too many"));
        assert_eq!((problem.status, problem.code), (413, ErrorCode::TooLarge));
        assert!(
            problem.detail.starts_with("args: too large: at most 1024 arguments are allowed"),
            "{}",
            problem.detail
        );
    }

    fn budget(bytes: u64) -> MemoryBudget {
        let config =
            ServeConfig { body_memory: Bytes(bytes), body_limit: Bytes(0), ..ServeConfig::default() };
        MemoryBudget::for_bodies(1, &config).next().expect("a budget")
    }

    async fn status(body: Body, limit: u64, budget: &MemoryBudget) -> Result<usize, u16> {
        let read = read(body, limit, Duration::from_secs(60), budget).await;
        read.map_err(|error| error.into_response().status().as_u16()).map(|received| received.bytes.len())
    }

    fn in_pieces(pieces: &[&'static str]) -> Body {
        let pieces: Vec<_> = pieces.iter().copied().map(Ok::<_, std::io::Error>).collect();
        Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let budget = budget(1 << 20);
        assert_eq!(status(Body::from("abc"), 3, &budget).await, Ok(3));
        assert_eq!(status(Body::from("abcd"), 3, &budget).await, Err(413));
        assert_eq!(status(in_pieces(&["ab", "cd"]), 3, &budget).await, Err(413));
    }

    #[tokio::test]
    async fn a_body_over_the_memory_budget_is_refused() {
        let (budget, kib): (_, &str) = (budget(2 << 10), "x".repeat(1 << 10).leak());
        let received =
            read(Body::from(kib), 4 << 10, Duration::from_secs(60), &budget).await.expect("memory");
        assert_eq!(status(in_pieces(&[kib, "x"]), 4 << 10, &budget).await, Err(429));
        assert_eq!(status(Body::from([kib, "x"].concat()), 4 << 10, &budget).await, Err(429));
        assert_eq!(status(in_pieces(&["x", "x"]), 4 << 10, &budget).await, Ok(2));
        drop(received);
        assert_eq!(status(in_pieces(&[kib, "x"]), 4 << 10, &budget).await, Ok(1025));
    }

    #[tokio::test]
    async fn a_body_in_processing_stays_charged_when_its_caller_disconnects() {
        let budget = budget(1 << 20);
        let body = Body::from(vec![b'x'; 1 << 20]);
        let received = read(body, 1 << 20, Duration::from_secs(60), &budget).await.expect("memory");
        let ((begun, has_begun), (end, may_end)) = (channel(), channel::<()>());
        let mut work = Box::pin(received.process(move |bytes| {
            begun.send(bytes.len()).expect("a test");
            // Until the test ends the work.
            let _ = may_end.recv();
        }));
        assert!((&mut work).now_or_never().is_none());
        assert_eq!(spawn_blocking(move || has_begun.recv()).await.expect("a thread"), Ok(1 << 20));
        drop(work);
        assert!(budget.try_charge(1).is_err());
        drop(end);
        timeout(Duration::from_secs(60), async {
            while budget.try_charge(1 << 20).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the charge is returned");
    }

    #[tokio::test]
    async fn a_large_body_is_processed_on_a_blocking_thread() {
        let here = std::thread::current().id();
        let thread_for = |size| offload(size, || std::thread::current().id());
        assert!(thread_for(1).await.is_ok_and(|thread| thread == here));
        assert!(thread_for(1 << 20).await.is_ok_and(|thread| thread != here));
    }
}
