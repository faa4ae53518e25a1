//! A run that is followed: its output becomes text while it comes.

use crate::{Guest, checked, convert};
use alloc::{collections::BTreeMap, string::String};
use code_executor_bindings::{
    cofferdam::code_executor::{
        sandbox::Report,
        sandbox_stream,
        types::{Error, Request},
    },
    exports::cofferdam::code_executor::code_executor_stream::{self, Event},
};
use cofferdam_rendering::Decoder;
use spin::Mutex;

/// What is to be remembered between two calls, by the run. Not held while the host is called.
static RUNS: Mutex<BTreeMap<String, Followed>> = Mutex::new(BTreeMap::new());

/// A run between two of its events.
#[derive(Default)]
struct Followed {
    stdout: Decoder,
    stderr: Decoder,
    /// Its end, while what the streams have left is told.
    end: Option<Result<Report, Error>>,
}

impl code_executor_stream::Guest for Guest {
    fn start(request: Request) -> Result<String, Error> {
        let id = sandbox_stream::start(&checked(request)?)?;
        RUNS.lock().insert(id.clone(), Followed::default());
        Ok(id)
    }

    fn next(id: String) -> Result<Event, Error> {
        // The host knows which ids there are.
        let mut run = RUNS.lock().remove(&id).unwrap_or_default();
        let event = run.next(|| sandbox_stream::next(&id));
        if matches!(event, Ok(Event::Reached(_) | Event::Stdout(_) | Event::Stderr(_))) {
            RUNS.lock().insert(id, run);
        }
        event
    }

    fn cancel(id: String) -> Result<(), Error> {
        sandbox_stream::cancel(&id)
    }
}

impl Followed {
    /// The next event that says something.
    fn next(&mut self, from_host: impl Fn() -> Result<sandbox_stream::Event, Error>) -> Result<Event, Error> {
        let end = loop {
            if let Some(end) = self.end.take() {
                break end;
            }
            let event = match from_host() {
                Ok(sandbox_stream::Event::Reached(phase)) => Some(Event::Reached(phase)),
                Ok(sandbox_stream::Event::Stdout(bytes)) => self.stdout.push(&bytes).map(Event::Stdout),
                Ok(sandbox_stream::Event::Stderr(bytes)) => self.stderr.push(&bytes).map(Event::Stderr),
                Ok(sandbox_stream::Event::Ended(report)) => break Ok(report),
                Err(error) => break Err(error),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        };
        let left = self.stdout.finish().map(Event::Stdout).or_else(|| self.stderr.finish().map(Event::Stderr));
        if let Some(left) = left {
            self.end = Some(end);
            return Ok(left);
        }
        end.map(|report| Event::Ended(convert::outcome(report)))
    }
}
