//! An execution of a sidecar, from its request to its report.

use super::{
    Client,
    connection::{RequestBody, Response, send},
    convert,
    error::ClientError,
};
use cofferdam_core::{Inputs, Observer, Phase, Stream};
use cofferdam_http_api::{Event, EventDecoder, PROBLEM, Problem, VERSION_HEADER};
use cofferdam_types::{Report, Request};
use http::Method;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub(super) const EVENT_STREAM: &str = "text/event-stream";
/// Time that a cancelled execution has to report its end.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum size of an event, in bytes: an outcome at the highest possible ceilings.
pub(super) const MAX_EVENT: usize = 1 << 30;
/// Maximum size of a problem, in bytes.
const MAX_PROBLEM: usize = 1 << 20;

/// An execution that the sidecar has accepted. Dropping it disconnects, which cancels it.
#[derive(Debug)]
pub(super) struct RemoteExecution {
    client: Client,
    id: String,
    events: EventReader,
}

impl RemoteExecution {
    /// Sends the request. It is never sent again, so the program is executed at most once.
    pub(super) async fn start(
        client: &Client,
        request: Request,
        inputs: Option<Inputs>,
        cancelled: &CancellationToken,
    ) -> Result<Self, ClientError> {
        tokio::select! {
            started = Self::post(client, request, inputs) => started,
            () = cancelled.cancelled() => Err(ClientError::Cancelled),
        }
    }

    async fn post(client: &Client, request: Request, inputs: Option<Inputs>) -> Result<Self, ClientError> {
        let request = serde_json::to_vec(&convert::request(request)?).map_err(|_| ClientError::TooLarge)?;
        let body = RequestBody { json: request, inputs };
        let response =
            send(&client.address, client.token.as_deref(), Method::POST, "", EVENT_STREAM, body).await?;
        check_version(&response)?;
        if !response.status.is_success() || response.media_type() != EVENT_STREAM {
            return Err(read_error(response).await);
        }
        let mut events = EventReader { response, decoder: EventDecoder::default() };
        match events.next().await? {
            Event::Accepted(id) => Ok(Self { client: client.clone(), id, events }),
            Event::Failed(problem) => Err(ClientError::Problem(problem)),
            _ => Err(events.unexpected()),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the report, and cancels the execution if `cancelled` is cancelled.
    pub(super) async fn wait(
        mut self,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, ClientError> {
        tokio::select! {
            report = self.events.report(observer) => return report,
            () = cancelled.cancelled() => {}
        }
        // The response to DELETE is not needed: if it fails, no report comes before the timeout.
        let path = format!("/{}", self.id);
        let (address, token) = (&self.client.address, self.client.token.as_deref());
        let cancel = send(address, token, Method::DELETE, &path, "application/json", RequestBody::default());
        let end = async {
            let (_, report) = tokio::join!(cancel, self.events.report(observer));
            report
        };
        tokio::select! {
            report = end => report,
            () = sleep(CANCEL_TIMEOUT) => Err(ClientError::TimedOut(CANCEL_TIMEOUT)),
        }
    }
}

/// Reads the events of an execution from a response.
#[derive(Debug)]
struct EventReader {
    response: Response,
    decoder: EventDecoder,
}

impl EventReader {
    /// Passes the events to the observer until the report.
    async fn report(&mut self, observer: &dyn Observer) -> Result<Report, ClientError> {
        loop {
            let event = self.next().await?;
            // After a gap the observer would get output at the wrong position; the report has all of it.
            let wrote = |stream, bytes: cofferdam_http_api::Bytes| {
                if self.decoder.gaps() == 0 {
                    observer.on_output(stream, &bytes.0);
                }
            };
            match event {
                Event::Accepted(_) => return Err(self.unexpected()),
                Event::Reached(phase) => {
                    observer_phase(phase).into_iter().for_each(|phase| observer.on_phase(phase))
                }
                Event::Stdout(bytes) => wrote(Stream::Stdout, bytes),
                Event::Stderr(bytes) => wrote(Stream::Stderr, bytes),
                Event::Ended(outcome) => return Ok(convert::report(outcome)),
                Event::Failed(problem) => return Err(ClientError::Problem(problem)),
            }
        }
    }

    async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(data) = self.decoder.next_event() {
                return serde_json::from_slice(&data).map_err(|_| self.unexpected());
            }
            let bytes = self.response.next().await?.ok_or(ClientError::ConnectionLost)?;
            if bytes.len() > MAX_EVENT.saturating_sub(self.decoder.buffered()) {
                return Err(ClientError::TooLarge);
            }
            self.decoder.push(&bytes);
        }
    }

    fn unexpected(&self) -> ClientError {
        ClientError::UnexpectedResponse(self.response.status.as_u16())
    }
}

fn observer_phase(phase: cofferdam_http_api::Phase) -> Option<Phase> {
    use cofferdam_http_api::Phase as ApiPhase;
    match phase {
        ApiPhase::Queued => Some(Phase::Starting),
        ApiPhase::Scheduled => Some(Phase::Scheduled),
        ApiPhase::Pulled => None,
        ApiPhase::Started => Some(Phase::Running),
    }
}

/// The error of a response without events.
pub(super) async fn read_error(response: Response) -> ClientError {
    let (status, is_problem) = (response.status.as_u16(), response.media_type() == PROBLEM);
    let problem = match response.read(MAX_PROBLEM).await {
        Ok(body) if is_problem => serde_json::from_slice::<Problem>(&body).ok(),
        _ => None,
    };
    problem.map_or(ClientError::UnexpectedResponse(status), ClientError::Problem)
}

/// Refuses a sidecar with an incompatible version. The header is optional.
pub(super) fn check_version(response: &Response) -> Result<(), ClientError> {
    let Some(version) = response.headers.get(VERSION_HEADER) else { return Ok(()) };
    let version = String::from_utf8_lossy(version.as_bytes());
    if cofferdam_http_api::is_compatible(&version) {
        Ok(())
    } else {
        Err(ClientError::IncompatibleVersion(version.chars().take(40).collect()))
    }
}
