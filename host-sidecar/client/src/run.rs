//! One run of another sidecar, followed to its end.

use super::{
    Client,
    connection::{Answer, send},
    convert,
    failure::Failure,
};
use cofferdam_core::{Observer, Phase, Stream};
use cofferdam_http_api::{Event, EventDecoder, PROBLEM, Problem, VERSION_HEADER};
use cofferdam_types::{Report, Request};
use http::Method;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const EVENTS: &str = "text/event-stream";
/// How long a run that is cancelled may take to tell its end.
const GRACE: Duration = Duration::from_secs(20);
/// Bytes of an event: an outcome of the highest ceilings there are.
const LONGEST_EVENT: usize = 1 << 30;
/// Bytes of an answer that is no event.
const LONGEST_PROBLEM: usize = 1 << 20;

/// A run that the sidecar has accepted. Dropping it hangs up, which cancels it.
#[derive(Debug)]
pub(super) struct Run {
    sidecar: Client,
    id: String,
    told: Told,
}

impl Run {
    /// Posts a request. It is never sent again, so the program runs at most once.
    pub(super) async fn start(
        sidecar: &Client,
        request: Request,
        cancelled: &CancellationToken,
    ) -> Result<Self, Failure> {
        let body = serde_json::to_vec(&convert::request(request)?).map_err(|_| Failure::TooLong)?;
        let start = async {
            let answer = send(&sidecar.address, sidecar.token.as_deref(), Method::POST, "", EVENTS, body).await?;
            check_version(&answer)?;
            if !answer.status.is_success() || answer.media_type() != EVENTS {
                return Err(refused(answer).await);
            }
            let mut told = Told { answer, events: EventDecoder::default() };
            match told.next().await? {
                Event::Accepted(id) => Ok((id, told)),
                Event::Failed(problem) => Err(Failure::Problem(problem)),
                _ => Err(told.foreign()),
            }
        };
        let (id, told) = tokio::select! {
            started = start => started?,
            () = cancelled.cancelled() => return Err(Failure::Cancelled),
        };
        Ok(Self { sidecar: sidecar.clone(), id, told })
    }

    /// By which the sidecar knows it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Follows it to its end.
    pub(super) async fn until_end(
        mut self,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Failure> {
        tokio::select! {
            report = self.told.until_end(observer) => return report,
            () = cancelled.cancelled() => {}
        }
        // That nobody heard of it shows by no end coming.
        let path = format!("/{}", self.id);
        let (address, token) = (&self.sidecar.address, self.sidecar.token.as_deref());
        let cancel = send(address, token, Method::DELETE, &path, "application/json", Vec::new());
        let end = async {
            let (_, report) = tokio::join!(cancel, self.told.until_end(observer));
            report
        };
        tokio::select! {
            report = end => report,
            () = sleep(GRACE) => Err(Failure::Silence(GRACE)),
        }
    }
}

/// What the sidecar tells of a run, as it comes.
#[derive(Debug)]
struct Told {
    answer: Answer,
    events: EventDecoder,
}

impl Told {
    async fn until_end(&mut self, observer: &dyn Observer) -> Result<Report, Failure> {
        loop {
            let event = self.next().await?;
            // What comes after a gap is not where an observer would take it to be; the outcome has it.
            let wrote = |stream, bytes: cofferdam_http_api::Bytes| {
                if self.events.gaps() == 0 {
                    observer.wrote(stream, &bytes.0);
                }
            };
            match event {
                Event::Accepted(_) => return Err(self.foreign()),
                Event::Reached(phase) => observer_phase(phase).into_iter().for_each(|phase| observer.entered(phase)),
                Event::Stdout(bytes) => wrote(Stream::Stdout, bytes),
                Event::Stderr(bytes) => wrote(Stream::Stderr, bytes),
                Event::Ended(outcome) => return Ok(convert::report(outcome)),
                Event::Failed(problem) => return Err(Failure::Problem(problem)),
            }
        }
    }

    async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(data) = self.events.next_event() {
                return serde_json::from_slice(&data).map_err(|_| self.foreign());
            }
            let piece = self.answer.next().await?.ok_or(Failure::Lost)?;
            if piece.len() > LONGEST_EVENT.saturating_sub(self.events.buffered()) {
                return Err(Failure::TooLong);
            }
            self.events.push(&piece);
        }
    }

    fn foreign(&self) -> Failure {
        Failure::Foreign(self.answer.status.as_u16())
    }
}

fn observer_phase(phase: cofferdam_http_api::Phase) -> Option<Phase> {
    use cofferdam_http_api::Phase as Api;
    match phase {
        Api::Queued => Some(Phase::Starting),
        Api::Scheduled => Some(Phase::Scheduled),
        Api::Pulled => None,
        Api::Started => Some(Phase::Running),
    }
}

/// Why there are no events.
async fn refused(answer: Answer) -> Failure {
    let (status, is_problem) = (answer.status.as_u16(), answer.media_type() == PROBLEM);
    let problem = match answer.read(LONGEST_PROBLEM).await {
        Ok(body) if is_problem => serde_json::from_slice::<Problem>(&body).ok(),
        _ => None,
    };
    problem.map_or(Failure::Foreign(status), Failure::Problem)
}

/// Refuses to understand a sidecar of another version. One that does not say is taken at its word.
fn check_version(answer: &Answer) -> Result<(), Failure> {
    let Some(theirs) = answer.headers.get(VERSION_HEADER) else { return Ok(()) };
    let theirs = String::from_utf8_lossy(theirs.as_bytes());
    if cofferdam_http_api::is_compatible(&theirs) {
        Ok(())
    } else {
        Err(Failure::Version(theirs.chars().take(40).collect()))
    }
}
