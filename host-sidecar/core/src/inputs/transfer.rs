//! The messages with which a runner gets a program and its files.

use super::{InputCheck, InputPart, Inputs, check::PAGE};
use crate::{
    connection::hello,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::{CONTROL, EXECUTION, EntryKind, InputEntry, Message, append};
use cofferdam_types::{Error, ErrorCode};
use std::time::Duration;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

/// For how long nothing of the files may arrive.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that extend the time for the files by a second.
const MIN_BYTES_PER_SECOND: u64 = 256 << 10;

/// The messages of an execution.
#[derive(Debug)]
pub struct ProgramMessages {
    /// The program, encoded, after what precedes it.
    pub program: Vec<u8>,
    /// The messages that follow, if files are streamed.
    pub transfer: Option<Transfer>,
}

/// The messages with streamed files, made as the files arrive. The time for them is limited.
#[derive(Debug)]
pub struct Transfer {
    inputs: Inputs,
    check: InputCheck,
    /// How long the files may take at any speed.
    startup_time: Duration,
    begun: Option<Instant>,
    received: u64,
    is_over: bool,
}

impl ProgramMessages {
    /// The messages for a sandbox of this specification. The runner of a prewarmed one has had the first message.
    ///
    /// # Errors
    ///
    /// The program is too large.
    pub fn new(mut exec: ExecSpec, sandbox: &SandboxSpec, is_warm: bool) -> Result<Self, Error> {
        let inputs = exec.inputs.take();
        let transfer = inputs.map(|inputs| Transfer::new(inputs, &exec, sandbox)).transpose()?;
        let mut program = exec.into_program(sandbox);
        program.has_more_files = transfer.is_some();
        let before = if is_warm { Vec::new() } else { encode(Vec::new(), CONTROL, &hello())? };
        Ok(Self { program: encode(before, EXECUTION, &Message::Run(program))?, transfer })
    }
}

impl Transfer {
    fn new(inputs: Inputs, exec: &ExecSpec, sandbox: &SandboxSpec) -> Result<Self, Error> {
        Ok(Self {
            inputs,
            check: exec.check_files(&sandbox.file)?,
            startup_time: exec.limits.startup_time(),
            begun: None,
            received: 0,
            is_over: false,
        })
    }

    /// The longest time that the files may take.
    #[must_use]
    pub fn max_time(&self) -> Duration {
        self.startup_time + Duration::from_secs(self.check.disk_bytes() / MIN_BYTES_PER_SECOND)
    }

    /// The next message; none after the last one.
    ///
    /// # Errors
    ///
    /// The source of the files has failed or is too slow, or a file is refused.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let deadline = self.deadline();
        let message = match timeout_at(deadline, self.inputs.next()).await.map_err(|_| too_slow())?? {
            InputPart::Entry(entry) => {
                self.check.entry(&entry)?;
                // The sandbox takes time for each, however small.
                self.received += PAGE;
                Message::Entry(entry)
            }
            InputPart::Content(bytes) => {
                self.check.content(bytes.len())?;
                self.received += bytes.len() as u64;
                Message::Content(bytes)
            }
            InputPart::End => {
                self.is_over = true;
                Message::Start
            }
        };
        encode(Vec::new(), EXECUTION, &message).map(Some)
    }

    /// Writes all messages. Returns how long that took.
    ///
    /// # Errors
    ///
    /// Those of [`Transfer::next`]. The runner does not read on.
    pub async fn write_to(mut self, mut writer: impl AsyncWrite + Unpin) -> Result<Duration, TransferError> {
        let begun = Instant::now();
        while let Some(message) = self.next().await? {
            let written =
                timeout(STALL_TIMEOUT, writer.write_all(&message)).await.map_err(|_| does_not_read())?;
            written.map_err(|_| TransferError::Closed)?;
        }
        Ok(begun.elapsed())
    }

    /// When the next part must have arrived.
    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        let begun = *self.begun.get_or_insert(now);
        let time = self.startup_time + Duration::from_secs(self.received / MIN_BYTES_PER_SECOND);
        (begun + time).min(now + STALL_TIMEOUT)
    }
}

/// Why a runner does not have all files. It does not start the program.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The runner has closed the connection. Its output says why, if it could.
    #[error("the connection is closed")]
    Closed,
    /// The files failed, or the runner does not read them.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl ExecSpec {
    /// Checks the files that are not streamed, and prepares the check of those that are.
    pub(crate) fn check_files(&self, program: &str) -> Result<InputCheck, Error> {
        let mut check = InputCheck::new(program, self.code.len(), self.limits.disk_bytes)?;
        for file in &self.files {
            check.entry(&InputEntry { path: file.path.clone(), kind: EntryKind::File(file.mode) })?;
            check.content(file.content.len())?;
        }
        Ok(check)
    }
}

fn encode(before: Vec<u8>, channel: u32, message: &Message) -> Result<Vec<u8>, Error> {
    append(before, channel, message)
        .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))
}

fn does_not_read() -> Error {
    let message = "the sandbox did not take its files, and the program did not start; send the request again";
    Error::new(ErrorCode::SandboxUnavailable, message).retryable()
}

fn too_slow() -> Error {
    let message = format!(
        "the files arrived too slowly, and the program did not start: nothing may come for at most {} s, and together \
         they may take the startup time and a second for each {MIN_BYTES_PER_SECOND} bytes; send them faster, or \
         fewer of them",
        STALL_TIMEOUT.as_secs()
    );
    Error::new(ErrorCode::StartupTimeout, message).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(inputs: Inputs) -> Transfer {
        let check = InputCheck::new("main.py", 1, 64 << 20).expect("room");
        let startup_time = Duration::from_secs(1);
        Transfer { inputs, check, startup_time, begun: None, received: 0, is_over: false }
    }

    #[tokio::test]
    async fn a_runner_that_is_gone_ends_the_transfer() {
        let (sender, inputs) = Inputs::channel();
        sender.send(Ok(InputPart::End)).await;
        let (_, writer) = tokio::io::duplex(1);
        let sent = transfer(inputs).write_to(writer).await;
        assert!(matches!(sent, Err(TransferError::Closed)), "{sent:?}");
    }

    #[tokio::test]
    async fn bytes_and_entries_extend_the_time() {
        let (sender, inputs) = Inputs::channel();
        let mut transfer = transfer(inputs);
        for number in 0..64 {
            let entry = InputEntry { path: format!("f{number}"), kind: EntryKind::File(0o644) };
            sender.send(Ok(InputPart::Entry(entry))).await;
            transfer.next().await.expect("a message");
        }
        sender.send(Ok(InputPart::Content(vec![0; 256 << 10]))).await;
        transfer.next().await.expect("a message");
        let deadline = transfer.deadline();
        assert_eq!(transfer.begun.map(|begun| deadline - begun), Some(Duration::from_secs(3)));
    }
}
