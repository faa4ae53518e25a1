//! Streamed executions: output is decoded as text while it arrives.

use crate::{Guest, convert, validated};
use alloc::{collections::BTreeMap, string::String};
use code_executor_bindings::{
    cofferdam::code_executor::{
        sandbox::Report,
        sandbox_stream,
        types::{Error, Request},
    },
    exports::cofferdam::code_executor::code_executor_stream::{self, Event},
};
use cofferdam_rendering::TextDecoder;
use spin::Mutex;

/// The unfinished executions by id. Not locked while the host is called.
static EXECUTIONS: Mutex<BTreeMap<String, StreamedExecution>> = Mutex::new(BTreeMap::new());

/// The state of an execution between two calls of `next`.
#[derive(Default)]
struct StreamedExecution {
    stdout: TextDecoder,
    stderr: TextDecoder,
    /// The result, while the last output of the streams is delivered.
    result: Option<Result<Report, Error>>,
}

impl code_executor_stream::Guest for Guest {
    fn start(request: Request) -> Result<String, Error> {
        let id = sandbox_stream::start(&validated(request)?)?;
        EXECUTIONS.lock().insert(id.clone(), StreamedExecution::default());
        Ok(id)
    }

    fn next(id: String) -> Result<Event, Error> {
        // The host rejects unknown ids.
        let mut execution = EXECUTIONS.lock().remove(&id).unwrap_or_default();
        let event = execution.next(|| sandbox_stream::next(&id));
        if matches!(event, Ok(Event::Reached(_) | Event::Stdout(_) | Event::Stderr(_))) {
            EXECUTIONS.lock().insert(id, execution);
        }
        event
    }

    fn cancel(id: String) -> Result<(), Error> {
        sandbox_stream::cancel(&id)
    }
}

impl StreamedExecution {
    /// The next event. An event of the host whose bytes complete no character is skipped.
    fn next(
        &mut self,
        next_from_host: impl Fn() -> Result<sandbox_stream::Event, Error>,
    ) -> Result<Event, Error> {
        let result = loop {
            if let Some(result) = self.result.take() {
                break result;
            }
            let event = match next_from_host() {
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
        let last_output =
            self.stdout.finish().map(Event::Stdout).or_else(|| self.stderr.finish().map(Event::Stderr));
        if let Some(output) = last_output {
            self.result = Some(result);
            return Ok(output);
        }
        result.map(|report| Event::Ended(convert::outcome(report)))
    }
}
