//! The handle of an execution of a session.

use super::{ExecutionEnd, ExecutionInfo, OutputReader};
use cofferdam_protocol::TerminalSize;
use cofferdam_types::{Error, Report};

/// An execution of a session. Dropping the handle does not end it.
#[derive(Debug, Clone)]
pub struct SessionExecution(());

impl SessionExecution {
    /// What it is now.
    #[must_use]
    pub fn info(&self) -> ExecutionInfo {
        unimplemented!()
    }

    /// A reader of its output from this position, counted in bytes of both streams together in order of arrival. A
    /// reader that is not read holds up nobody.
    #[must_use]
    pub fn output(&self, _from: u64) -> OutputReader {
        unimplemented!()
    }

    /// Writes to its standard input, and waits until the sandbox takes the bytes. If the future is dropped, part of them
    /// may have been written.
    ///
    /// # Errors
    ///
    /// Its standard input is closed, or it has ended.
    pub async fn write_stdin(&self, _bytes: Vec<u8>) -> Result<(), Error> {
        unimplemented!()
    }

    /// Ends its standard input.
    ///
    /// # Errors
    ///
    /// Its standard input is closed, or it has ended.
    pub async fn close_stdin(&self) -> Result<(), Error> {
        unimplemented!()
    }

    /// Sends a signal to its first process and the process group of that.
    ///
    /// # Errors
    ///
    /// There is no signal of this number, or the execution has ended.
    pub async fn signal(&self, _signal: u8) -> Result<(), Error> {
        unimplemented!()
    }

    /// Changes the size of its terminal.
    ///
    /// # Errors
    ///
    /// It has no terminal, or has ended.
    pub async fn resize(&self, _size: TerminalSize) -> Result<(), Error> {
        unimplemented!()
    }

    /// Kills all its processes. Its status then is [`Status::Cancelled`](cofferdam_types::Status::Cancelled).
    ///
    /// # Errors
    ///
    /// It has ended.
    pub async fn kill(&self) -> Result<(), Error> {
        unimplemented!()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// The sandbox could not start it, or the session has ended before it.
    pub async fn wait(&self) -> Result<ExecutionEnd, Error> {
        unimplemented!()
    }

    /// Waits until it has ended, and gives its report. Of an execution in the background or with a terminal, it has the
    /// last bytes of the output, which count as the tail of a truncated stream.
    ///
    /// # Errors
    ///
    /// As for [`Self::wait`].
    pub async fn report(&self) -> Result<Report, Error> {
        unimplemented!()
    }
}
