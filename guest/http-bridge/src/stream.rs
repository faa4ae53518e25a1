//! Streamed executions. Their events are read from a response that stays open between calls. Closing the
//! response cancels the execution, so that dropping the instance cancels it too.

use crate::{
    Bridge,
    client::Client,
    error::BridgeError,
    exchange::ResponseBody,
    exchange_limits::{ExchangeLimits, IDLE_TIMEOUT_MS},
    response::report,
};
use alloc::{collections::BTreeMap, string::String};
use cofferdam_http_api::{Event as ApiEvent, EventDecoder};
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox_stream::{Event, Guest},
    types::{Error, ErrorCode, Phase, Request},
};
use spin::Mutex;

/// The unfinished executions by id. Not locked while the host is called.
static EXECUTIONS: Mutex<BTreeMap<String, StreamedExecution>> = Mutex::new(BTreeMap::new());

/// The state of an execution between two calls of `next`.
struct StreamedExecution {
    body: ResponseBody,
    decoder: EventDecoder,
    /// The HTTP status of the response.
    status: u16,
    limits: ExchangeLimits,
}

impl Guest for Bridge {
    fn start(request: Request) -> Result<String, Error> {
        Ok(start(request)?)
    }

    fn next(id: String) -> Result<Event, Error> {
        let Some(mut execution) = EXECUTIONS.lock().remove(&id) else { return Err(unknown_id()) };
        match execution.next() {
            Ok(Event::Ended(report)) => Ok(Event::Ended(report)),
            Ok(event) => {
                EXECUTIONS.lock().insert(id, execution);
                Ok(event)
            }
            Err(error) => Err(Error { id: Some(id), ..error.into() }),
        }
    }

    fn cancel(id: String) -> Result<(), Error> {
        let Some(limits) = EXECUTIONS.lock().get(&id).map(|execution| execution.limits) else {
            return Err(unknown_id());
        };
        // Not retryable, since the execution did start.
        let failed = |error: BridgeError| Error { id: Some(id.clone()), retryable: false, ..error.into() };
        Client::from_environment().and_then(|client| client.cancel(&id, limits)).map_err(failed)
    }
}

fn start(request: Request) -> Result<String, BridgeError> {
    let limits = ExchangeLimits::of(request.limits.as_ref());
    let (status, body) = Client::from_environment()?.stream(request, limits)?;
    let mut execution = StreamedExecution { body, decoder: EventDecoder::default(), status, limits };
    match execution.next_api_event()? {
        ApiEvent::Accepted(id) => {
            EXECUTIONS.lock().insert(id.clone(), execution);
            Ok(id)
        }
        ApiEvent::Failed(problem) => Err(BridgeError::Problem(problem)),
        _ => Err(BridgeError::UnexpectedResponse(status)),
    }
}

fn unknown_id() -> Error {
    Error {
        id: None,
        code: ErrorCode::InvalidRequest,
        message: "unknown or finished execution id; use an id that `start` returned to this instance".into(),
        retryable: false,
    }
}

impl StreamedExecution {
    fn next(&mut self) -> Result<Event, BridgeError> {
        Ok(match self.next_api_event()? {
            ApiEvent::Accepted(_) => return Err(BridgeError::UnexpectedResponse(self.status)),
            ApiEvent::Reached(phase) => Event::Reached(self::phase(phase)),
            ApiEvent::Stdout(bytes) => Event::Stdout(bytes.0),
            ApiEvent::Stderr(bytes) => Event::Stderr(bytes.0),
            ApiEvent::Ended(outcome) => Event::Ended(report(outcome)),
            ApiEvent::Failed(problem) => return Err(BridgeError::Problem(problem)),
        })
    }

    /// Reads the response up to the next event.
    fn next_api_event(&mut self) -> Result<ApiEvent, BridgeError> {
        let max = self.limits.max_response_bytes;
        loop {
            if let Some(data) = self.decoder.next_event() {
                return serde_json::from_slice(&data)
                    .map_err(|_| BridgeError::UnexpectedResponse(self.status));
            }
            let chunk = self.body.next_chunk(IDLE_TIMEOUT_MS)?.ok_or(BridgeError::ConnectionLost)?;
            if chunk.len() > max.saturating_sub(self.decoder.buffered()) {
                return Err(BridgeError::ResponseTooLarge { max });
            }
            self.decoder.push(&chunk);
        }
    }
}

fn phase(phase: cofferdam_http_api::Phase) -> Phase {
    use cofferdam_http_api::Phase as Api;
    match phase {
        Api::Queued => Phase::Queued,
        Api::Scheduled => Phase::Scheduled,
        Api::Pulled => Phase::Pulled,
        Api::Started => Phase::Started,
    }
}
