//! Sends a program and its streamed files over an attachment.

use super::attach::Attachment;
use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, cancelled_before_start},
    inputs::{CHUNK, ProgramMessages, STALL_TIMEOUT},
};
use cofferdam_types::{Error, ErrorCode};
use std::{io, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};

/// Sends all of it, unless the execution is cancelled. The runner does not execute a program that it has a part
/// of.
pub(super) async fn send_program(
    attachment: &mut Attachment,
    messages: ProgramMessages,
    run: &ExecutionContext<'_>,
    state: &mut ExecutionState<'_>,
) -> Result<(), Error> {
    tokio::select! {
        sent = send(attachment, messages, state.deadline()) => state.files_sent(sent?),
        () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
    }
    Ok(())
}

/// Sends the program before `deadline`. Returns the time that the streamed files took.
async fn send(
    attachment: &mut Attachment,
    messages: ProgramMessages,
    deadline: Instant,
) -> Result<Duration, Error> {
    let ProgramMessages { program, transfer } = messages;
    timeout_at(deadline, write(attachment, &program)).await.unwrap_or_else(|_| Err(timed_out()))?;
    drop(program);
    let begun = Instant::now();
    if let Some(mut transfer) = transfer {
        while let Some(message) = transfer.next().await? {
            write(attachment, &message).await?;
        }
    }
    Ok(begun.elapsed())
}

async fn write(attachment: &mut Attachment, bytes: &[u8]) -> Result<(), Error> {
    for chunk in bytes.chunks(CHUNK) {
        let written = timeout(STALL_TIMEOUT, attachment.write(chunk)).await.map_err(|_| timed_out())?;
        written.map_err(|error| connection_error(&error))?;
    }
    Ok(())
}

fn timed_out() -> Error {
    connection_error(&io::Error::from(io::ErrorKind::TimedOut))
}

/// The connection broke before the runner had the whole program.
pub(super) fn connection_error(error: &dyn std::error::Error) -> Error {
    let text = "the connection to the sandbox was lost before the program started; try again";
    Error::new(ErrorCode::Unreachable, text).with_detail(error).retryable()
}
