//! Following a sandbox from its start to its end: the program goes in, frames come out, every wait has a bound.

use super::{cgroup::Cgroup, outer_bound::OuterBound, state::RunDir};
use crate::{
    execution::{Error, ErrorCode, Report},
    policy::Plan,
    sandbox::{
        Run,
        progress::{End, GRACE, Progress},
    },
};
use cofferdam_protocol::encode_program;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin},
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long runsc may take to go once the runner has said its last word or was told to go.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;
const CHUNK: usize = 128 << 10;

/// Runs the plan's program in a sandbox that has just been started.
pub(super) async fn drive(
    mut sandbox: Child,
    plan: Plan,
    run: &Run<'_>,
    cgroup: &Cgroup,
    dir: &RunDir,
) -> Result<Report, Error> {
    let streams = (sandbox.stdin.take(), sandbox.stdout.take(), sandbox.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
        return Err(Error::new(ErrorCode::Internal, "the sandbox has no streams"));
    };
    let program = encode_program(&plan.program)
        .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))?;
    let hang_up = CancellationToken::new();
    let _hang_up_when_dropped = hang_up.clone().drop_guard();
    tokio::spawn(feed(stdin, program, hang_up.clone()));
    let messages = tokio::spawn(read_messages(stderr));
    // Never set where the kernel sees to it.
    let too_large = if cgroup.bounds_memory() {
        CancellationToken::new()
    } else {
        OuterBound::new(&plan, &dir.runsc_root()).watch(hang_up.clone())
    };
    let mut progress = Progress::new(run, &plan);
    let end = until_end(&mut progress, stdout, run, &too_large, &hang_up).await;
    hang_up.cancel();
    match timeout(FAREWELL, sandbox.wait()).await {
        Ok(Ok(status)) if status.code().is_some() => dir.note_quiet(),
        _ => {
            tracing::warn!(id = run.id, "runsc did not end by itself and is killed");
            let _ = sandbox.start_kill();
        }
    }
    let messages = timeout(FAREWELL, messages).await.ok().and_then(Result::ok).unwrap_or_default();
    progress.report(end, || cgroup.was_out_of_memory()).map_err(|error| {
        if error.detail.is_none() && !messages.is_empty() { error.with_detail(messages) } else { error }
    })
}

async fn until_end(
    progress: &mut Progress<'_>,
    mut stdout: impl AsyncRead + Unpin,
    run: &Run<'_>,
    too_large: &CancellationToken,
    hang_up: &CancellationToken,
) -> End {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = tokio::select! {
            read = stdout.read(&mut chunk) => read,
            () = sleep_until(progress.deadline()) => return End::Overdue,
            () = too_large.cancelled() => return End::TooLarge,
            () = run.cancelled.cancelled(), if !hang_up.is_cancelled() => {
                hang_up.cancel();
                progress.hurry(GRACE);
                continue;
            }
        };
        match read {
            Ok(0) | Err(_) => return End::Vanished,
            Ok(length) => {
                if let Some(end) = progress.take(&chunk[..length]) {
                    return end;
                }
            }
        }
    }
}

/// Writes the program, then keeps the pipe open until it is time to hang up: its end tells the runner to stop.
async fn feed(mut stdin: ChildStdin, program: Vec<u8>, hang_up: CancellationToken) {
    let written = async {
        // A runner that is gone shows itself by the end of its output.
        let _ = stdin.write_all(&program).await;
        drop(program);
        hang_up.cancelled().await;
    };
    tokio::select! {
        () = written => {}
        () = hang_up.cancelled() => {}
    }
}

/// What runsc has to say, as far as it is kept; the rest is read and thrown away.
async fn read_messages(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim().to_owned()
}
