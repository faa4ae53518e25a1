//! Sends a program and its streamed files over an attachment.

use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, cancelled_before_start},
    inputs::{CHUNK, ProgramMessages, STALL_TIMEOUT, TransferError},
};
use cofferdam_types::{Error, ErrorCode};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{timeout, timeout_at},
};

/// Sends all of it, unless the execution is cancelled. Returns whether that was possible: if not, the runner does not
/// read the files any more, and its output may say why. It does not execute a program that it has a part of.
pub(super) async fn send_program(
    mut stdin: impl AsyncWrite + Unpin,
    messages: ProgramMessages,
    run: &ExecutionContext<'_>,
    state: &mut ExecutionState<'_>,
) -> Result<bool, Error> {
    let ProgramMessages { program, transfer } = messages;
    let deadline = state.deadline();
    let send = async {
        let written = timeout_at(deadline, write(&mut stdin, &program)).await;
        written.unwrap_or_else(|_| Err(timed_out()))?;
        drop(program);
        match transfer {
            Some(transfer) => transfer.write_to(&mut stdin).await,
            None => Ok(Duration::ZERO),
        }
    };
    let sent = tokio::select! {
        sent = send => sent,
        () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
    };
    match sent {
        Ok(time) => state.files_sent(time),
        Err(TransferError::Closed) => state.cap_deadline(),
        Err(TransferError::Failed(error)) => return Err(error),
    }
    Ok(sent.is_ok())
}

async fn write(mut stdin: impl AsyncWrite + Unpin, bytes: &[u8]) -> Result<(), Error> {
    for chunk in bytes.chunks(CHUNK) {
        let written = timeout(STALL_TIMEOUT, stdin.write_all(chunk)).await.map_err(|_| timed_out())?;
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

#[cfg(test)]
mod tests {
    use super::{super::sandbox_objects::GRACE, *};
    use cofferdam_core::{
        Inputs, NoObserver, execution_state::SandboxEnd, inputs::InputPart, policy::Policy,
    };
    use cofferdam_types::Request;
    use tokio::{io::AsyncReadExt, time::Instant};
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_runner_that_fails_while_files_are_sent_has_time_to_say_why() {
        for (end, expected) in [
            (SandboxEnd::Failed("no space left".into()), "no space left"),
            (SandboxEnd::TimedOut, "before it had all files"),
        ] {
            let plan = Policy::default().plan(Request { code: "#".into(), ..Request::default() });
            let (sandbox, mut exec) = plan.map(|plan| (plan.sandbox, plan.exec)).expect("a plan");
            let (sender, inputs) = Inputs::channel();
            exec.inputs = Some(inputs);
            let cancelled = CancellationToken::new();
            let (id, requested) = ("run-0".into(), Instant::now());
            let run = ExecutionContext { id, requested, cancelled: &cancelled, observer: &NoObserver };
            let mut state = ExecutionState::new(&run, &exec, true, GRACE);
            let messages = ProgramMessages::new(exec, &sandbox, true).expect("messages");
            let (stdin, mut runner) = tokio::io::duplex(1);
            let mut program = vec![0; messages.program.len()];
            let fail = async {
                runner.read_exact(&mut program).await.expect("a program");
                drop(runner);
                sender.send(Ok(InputPart::End)).await;
            };
            let (sent, _) = tokio::join!(send_program(stdin, messages, &run, &mut state), fail);
            assert_eq!(sent, Ok(false));
            assert!(state.deadline() <= Instant::now() + GRACE.end);
            let error = state.report(end, || false).expect_err("not executed");
            assert!(error.message.contains(expected), "{error:?}");
        }
    }
}
