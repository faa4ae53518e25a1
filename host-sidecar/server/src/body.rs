//! The body of a request: read within its bounds, then understood.

use super::{
    budget::{Budget, Charge},
    json_syntax,
    problem::Refusal,
};
use axum::{body::Body, http::StatusCode};
use cofferdam_http_api::{ErrorCode, Request, bounded::is_too_large};
use cofferdam_types::Error;
use cofferdam_types::shortened;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::time::Duration;
use tokio::{task::spawn_blocking, time::timeout};

/// Bytes of a body that is understood at once, and of what is small everywhere.
pub(super) const SMALL: u64 = 64 << 10;

/// A body that has been read.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) charge: Charge,
}

impl Held {
    /// Does what takes long for a large body where it holds up no other request. What the body is charged is given back when
    /// the work is over: it goes on where nobody waits for it any more, and so do the bytes.
    pub(super) async fn understand<T: Send + 'static>(
        self,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<(T, Charge), Refusal> {
        let Self { bytes, charge } = self;
        understand(bytes.len(), move || (work(&bytes), charge)).await
    }
}

/// Reads a whole body of at most `limit` bytes that comes within `patience`, for as much as the budget has room.
pub(super) async fn read(body: Body, limit: u64, patience: Duration, budget: &Budget) -> Result<Held, Refusal> {
    let announced = body.size_hint().lower();
    // One that says that it is too large need not be read.
    if announced > limit {
        return Err(too_large(limit));
    }
    let charge = budget.charge(announced)?;
    // Room in the address space; there is no memory behind it before the bytes come.
    let held = Held { bytes: Vec::with_capacity(usize::try_from(announced).unwrap_or_default()), charge };
    timeout(patience, take(held, body, limit, budget)).await.unwrap_or_else(|_| {
        let text = format!("the body did not come within {} s", patience.as_secs_f64());
        Err(Refusal::invalid(StatusCode::REQUEST_TIMEOUT, text).retryable())
    })
}

async fn take(mut held: Held, mut body: Body, limit: u64, budget: &Budget) -> Result<Held, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::invalid(StatusCode::BAD_REQUEST, "the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = (held.bytes.len() + data.len()) as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        held.charge.raise(size, budget)?;
        held.bytes.extend_from_slice(&data);
    }
    Ok(held)
}

/// Does what takes long for a large body where it holds up no other request.
pub(super) async fn understand<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if size as u64 <= SMALL {
        return Ok(work());
    }
    let failed = |_| Error::new(cofferdam_types::ErrorCode::Internal, "the request could not be read");
    spawn_blocking(work).await.map_err(|error| failed(error).into())
}

fn too_large(limit: u64) -> Refusal {
    let text = format!("the body has more than {limit} bytes, the most that this sidecar takes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, text)
}

/// Understands it.
pub(super) fn parse(body: &[u8]) -> Result<Request, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // It may name what the body does.
        let text = shortened(&error.to_string());
        if is_too_large(&text) {
            return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, text);
        }
        let is_not = if json_syntax::is_wrong(body, &error) { "JSON" } else { "a request" };
        Refusal::invalid(StatusCode::BAD_REQUEST, format!("the body is not {is_not}: {text}"))
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
    fn what_is_wrong_with_a_body_is_said() {
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
            (&*format!(r#"{{"code":{}{}}}"#, "[".repeat(200), "]".repeat(200)), "is not a request: code: invalid type"),
            (r#"["1"]"#, "is not a request: invalid type: sequence, expected an object"),
            (r#"{"code":"1","stdin":["YQ=="]}"#, "stdin: invalid type: sequence"),
        ] {
            let refusal = parse(body.as_bytes()).expect_err(body);
            assert!(format!("{refusal:?}").contains(part), "{body}: {refusal:?}");
        }
        assert!(parse(br#"{"code":"1"}"#).is_ok());
    }

    #[test]
    fn what_is_said_of_a_body_is_short_and_steers_no_terminal() {
        let field = "\\u001b[31m".repeat(1 << 20);
        let refusal = parse(format!(r#"{{"code":"1","{field}":1}}"#).as_bytes()).expect_err("an unknown field");
        let detail = Problem::from(refusal).detail;
        assert!(detail.contains("unknown field `\u{fffd}[31m") && !detail.contains('\u{1b}'), "{detail}");
        assert!(detail.len() < 8 << 10, "{} bytes", detail.len());
    }

    #[test]
    fn no_name_in_a_body_makes_it_look_too_large() {
        for body in [
            r#"{"code":"1","too large: at most ":1}"#,
            r#"{"code":"1","limits":{"too large: at most ":1}}"#,
            r#"{"code":"1","files":[{": too large: at most ":1}]}"#,
            r#"{"code":"1","stdin":{"a: too large: at most ":1}}"#,
        ] {
            let problem = Problem::from(parse(body.as_bytes()).expect_err(body));
            assert_eq!((problem.status, problem.code), (400, ErrorCode::InvalidRequest), "{body}: {}", problem.detail);
        }
    }

    #[test]
    fn what_is_too_large_is_refused_as_such_where_it_is_read() {
        // The rest is not looked at, or it would not be JSON.
        let body = format!(r#"{{"code":"1","args":[{}"#, r#""","#.repeat(2000));
        let problem = Problem::from(parse(body.as_bytes()).expect_err("too many"));
        assert_eq!((problem.status, problem.code), (413, ErrorCode::TooLarge));
        assert!(
            problem.detail.starts_with("args: too large: at most 1024 arguments are allowed"),
            "{}",
            problem.detail
        );
    }

    fn budget(bytes: u64) -> Budget {
        let bounds = ServeConfig { body_memory: Bytes(bytes), body_limit: Bytes(0), ..ServeConfig::default() };
        Budget::for_tenants(1, &bounds).next().expect("a budget")
    }

    async fn status(body: Body, limit: u64, budget: &Budget) -> Result<usize, u16> {
        let read = read(body, limit, Duration::from_secs(60), budget).await;
        read.map_err(|refusal| refusal.into_response().status().as_u16()).map(|held| held.bytes.len())
    }

    fn in_pieces(pieces: &[&'static str]) -> Body {
        let pieces: Vec<_> = pieces.iter().copied().map(Ok::<_, std::io::Error>).collect();
        Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_over_its_bound_is_refused() {
        let budget = budget(1 << 20);
        assert_eq!(status(Body::from("abc"), 3, &budget).await, Ok(3));
        assert_eq!(status(Body::from("abcd"), 3, &budget).await, Err(413));
        assert_eq!(status(in_pieces(&["ab", "cd"]), 3, &budget).await, Err(413));
    }

    #[tokio::test]
    async fn a_body_for_which_there_is_no_memory_is_refused() {
        let (budget, kib): (_, &str) = (budget(2 << 10), "x".repeat(1 << 10).leak());
        let held = read(Body::from(kib), 4 << 10, Duration::from_secs(60), &budget).await.expect("room");
        assert_eq!(status(in_pieces(&[kib, "x"]), 4 << 10, &budget).await, Err(429));
        assert_eq!(status(Body::from([kib, "x"].concat()), 4 << 10, &budget).await, Err(429));
        assert_eq!(status(in_pieces(&["x", "x"]), 4 << 10, &budget).await, Ok(2));
        drop(held);
        assert_eq!(status(in_pieces(&[kib, "x"]), 4 << 10, &budget).await, Ok(1025));
    }

    #[tokio::test]
    async fn a_body_that_is_still_being_understood_is_charged_though_its_caller_has_gone() {
        let budget = budget(1 << 20);
        let body = Body::from(vec![b'x'; 1 << 20]);
        let held = read(body, 1 << 20, Duration::from_secs(60), &budget).await.expect("room");
        let ((begun, has_begun), (end, may_end)) = (channel(), channel::<()>());
        let mut work = Box::pin(held.understand(move |bytes| {
            begun.send(bytes.len()).expect("a test");
            // Until the test lets it end.
            let _ = may_end.recv();
        }));
        assert!((&mut work).now_or_never().is_none());
        assert_eq!(spawn_blocking(move || has_begun.recv()).await.expect("a thread"), Ok(1 << 20));
        drop(work);
        assert!(budget.charge(1).is_err());
        drop(end);
        timeout(Duration::from_secs(60), async {
            while budget.charge(1 << 20).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the charge is given back");
    }

    #[tokio::test]
    async fn a_large_body_is_understood_beside_the_workers() {
        let here = std::thread::current().id();
        let there = |size| understand(size, || std::thread::current().id());
        assert!(there(1).await.is_ok_and(|thread| thread == here));
        assert!(there(1 << 20).await.is_ok_and(|thread| thread != here));
    }
}
