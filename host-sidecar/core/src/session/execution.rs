//! The handle of an execution of a session.

use super::{
    ExecutionEnd, ExecutionInfo, OutputReader, Session, channel::Channel, errors, executions::Execution,
};
use cofferdam_protocol::{Message, Stream, TerminalSize};
use cofferdam_types::{Error, Report, Timings};
use std::sync::Arc;
use tokio::time::Instant;

/// The highest number of a signal in Linux.
const MAX_SIGNAL: u8 = 64;

/// An execution of a session. Dropping the handle does not end it.
#[derive(Debug, Clone)]
pub struct SessionExecution {
    pub(super) execution: Arc<Execution>,
    pub(super) session: Session,
}

impl SessionExecution {
    /// What it is now.
    #[must_use]
    pub fn info(&self) -> ExecutionInfo {
        self.execution.info()
    }

    /// A reader of its output from this position, counted in bytes of both streams together in order of arrival. A
    /// reader that is not read holds up nobody.
    #[must_use]
    pub fn output(&self, from: u64) -> OutputReader {
        OutputReader::new(self.execution.channel.clone(), from)
    }

    /// Writes to its standard input, and waits until the sandbox takes the bytes. If the future is dropped, part of them
    /// may have been written.
    ///
    /// # Errors
    ///
    /// Its standard input is closed, or it has ended.
    pub async fn write_stdin(&self, bytes: Vec<u8>) -> Result<(), Error> {
        self.session.shared.request()?;
        self.session.shared.write_stdin(&self.execution.channel, self.execution.number, &bytes).await
    }

    /// Ends its standard input, after what is being written to it.
    ///
    /// # Errors
    ///
    /// Its standard input is closed, or it has ended.
    pub async fn close_stdin(&self) -> Result<(), Error> {
        self.session.shared.request()?;
        self.session.shared.close_stdin(&self.execution.channel, self.execution.number).await
    }

    /// Sends a signal to its first process and the process group of that.
    ///
    /// # Errors
    ///
    /// There is no signal of this number, or the execution has ended.
    pub async fn signal(&self, signal: u8) -> Result<(), Error> {
        if !(1..=MAX_SIGNAL).contains(&signal) {
            return Err(errors::invalid(format!(
                "there is no signal {signal}; give one from 1 to {MAX_SIGNAL}"
            )));
        }
        self.check_running()?;
        self.session.shared.send(self.execution.number, Message::Signal(signal)).await
    }

    /// Changes the size of its terminal.
    ///
    /// # Errors
    ///
    /// It has no terminal, or has ended.
    pub async fn resize(&self, size: TerminalSize) -> Result<(), Error> {
        if !self.execution.has_terminal || size.columns == 0 || size.rows == 0 {
            return Err(errors::invalid(
                "the execution has no terminal, or the size has no column or no row",
            ));
        }
        self.check_running()?;
        self.session.shared.send(self.execution.number, Message::Resize(size)).await
    }

    /// Kills all its processes. Its status then is [`Status::Cancelled`](cofferdam_types::Status::Cancelled).
    ///
    /// # Errors
    ///
    /// It has ended.
    #[expect(clippy::unused_async, reason = "as the other calls")]
    pub async fn kill(&self) -> Result<(), Error> {
        self.check_running()?;
        self.execution.channel.killed(Instant::now());
        self.session.shared.connection.kill(self.execution.number);
        Ok(())
    }

    /// Counts as a request, on an execution that has not ended.
    fn check_running(&self) -> Result<(), Error> {
        self.session.shared.request()?;
        match self.execution.channel.end() {
            None => Ok(()),
            Some((Ok(_), _)) => Err(errors::execution_ended()),
            Some((Err(error), _)) => Err(error),
        }
    }

    /// Waits until the id of its first process is known, or until it has ended. A runner that takes too long to start it
    /// loses its session, so that this wait has a bound.
    ///
    /// # Errors
    ///
    /// The sandbox could not start it, or the session has ended before.
    pub async fn wait_for_start(&self) -> Result<(), Error> {
        let started = |channel: &Channel| match channel.pid() {
            Some(_) => Some(Ok(())),
            None => channel.end().map(|(end, _)| end.map(drop)),
        };
        self.execution.channel.wait_for(started).await
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// The sandbox could not start it, or the session has ended before it.
    pub async fn wait(&self) -> Result<ExecutionEnd, Error> {
        self.execution.channel.wait_for_end().await.0
    }

    /// Waits until it has ended, and gives its report. Of an execution in the background or with a terminal, it has the
    /// last bytes of the output, which count as the tail of a truncated stream.
    ///
    /// # Errors
    ///
    /// As for [`Self::wait`].
    pub async fn report(&self) -> Result<Report, Error> {
        let (end, ended) = self.execution.channel.wait_for_end().await;
        let Execution { id, channel, requested: (_, requested), .. } = &*self.execution;
        let capture = |stream| {
            let corrupt = |corrupt| Error::internal("the output of the execution cannot be read", corrupt);
            channel.capture(stream).map_err(corrupt)
        };
        let finished = ended - *requested;
        Ok(Report {
            id: id.clone(),
            status: end?.status,
            stdout: capture(Stream::Stdout)?,
            stderr: capture(Stream::Stderr)?,
            files: Vec::new(),
            skipped: Vec::new(),
            timings: Timings {
                started: channel.started().map(|started| started - *requested),
                finished: Some(finished),
                answered: finished,
                ..Timings::default()
            },
            warm: self.session.shared.is_warm,
        })
    }
}
