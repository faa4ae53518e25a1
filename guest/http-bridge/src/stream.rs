//! A run that is followed: its events are read from an answer that stays open between two calls. Hanging up cancels the run, so
//! one whose instance is gone is not left to itself.

use crate::{
    Bridge,
    answer::report,
    bounds::{Bounds, PATIENCE},
    exchange::Body,
    failure::Failure,
    sidecar::Sidecar,
};
use alloc::{collections::BTreeMap, string::String};
use cofferdam_http_api::{Event as Told, Events};
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox_stream::{Event, Guest},
    types::{Error, ErrorCode, Phase, Request},
};
use spin::Mutex;

/// The runs whose end has not been told. Not held while the host is called.
static RUNS: Mutex<BTreeMap<String, Followed>> = Mutex::new(BTreeMap::new());

/// A run between two of its events.
struct Followed {
    body: Body,
    events: Events,
    /// The HTTP status of the answer.
    status: u16,
    bounds: Bounds,
}

impl Guest for Bridge {
    fn start(request: Request) -> Result<String, Error> {
        Ok(start(request)?)
    }

    fn next(id: String) -> Result<Event, Error> {
        let Some(mut run) = RUNS.lock().remove(&id) else { return Err(unknown()) };
        match run.next() {
            Ok(Event::Ended(report)) => Ok(Event::Ended(report)),
            Ok(event) => {
                RUNS.lock().insert(id, run);
                Ok(event)
            }
            Err(failure) => Err(Error { id: Some(id), ..failure.into() }),
        }
    }

    fn cancel(id: String) -> Result<(), Error> {
        let Some(bounds) = RUNS.lock().get(&id).map(|run| run.bounds) else { return Err(unknown()) };
        // Whatever kept the request from arriving, the run did start.
        let failed = |failure: Failure| Error { id: Some(id.clone()), retryable: false, ..failure.into() };
        Sidecar::named().and_then(|sidecar| sidecar.cancel(&id, bounds)).map_err(failed)
    }
}

fn start(request: Request) -> Result<String, Failure> {
    let bounds = Bounds::of(request.limits.as_ref());
    let (status, body) = Sidecar::named()?.follow(request, bounds)?;
    let mut run = Followed { body, events: Events::default(), status, bounds };
    match run.told()? {
        Told::Accepted(id) => {
            RUNS.lock().insert(id.clone(), run);
            Ok(id)
        }
        Told::Failed(problem) => Err(Failure::Problem(problem)),
        _ => Err(Failure::Foreign(status)),
    }
}

fn unknown() -> Error {
    Error {
        id: None,
        code: ErrorCode::InvalidRequest,
        message: "there is no run of this id that this instance has started and whose end it has not been told".into(),
        retryable: false,
    }
}

impl Followed {
    fn next(&mut self) -> Result<Event, Failure> {
        Ok(match self.told()? {
            Told::Accepted(_) => return Err(Failure::Foreign(self.status)),
            Told::Reached(phase) => Event::Reached(self::phase(phase)),
            Told::Stdout(bytes) => Event::Stdout(bytes.0),
            Told::Stderr(bytes) => Event::Stderr(bytes.0),
            Told::Ended(outcome) => Event::Ended(report(outcome)),
            Told::Failed(problem) => return Err(Failure::Problem(problem)),
        })
    }

    /// What the sidecar tells next.
    fn told(&mut self) -> Result<Told, Failure> {
        loop {
            if let Some(data) = self.events.next_event() {
                return serde_json::from_slice(&data).map_err(|_| Failure::Foreign(self.status));
            }
            let piece = self.body.next(PATIENCE)?.ok_or(Failure::Lost)?;
            if piece.len() > self.bounds.answer.saturating_sub(self.events.held()) {
                return Err(Failure::TooLong { most: self.bounds.answer });
            }
            self.events.push(&piece);
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
