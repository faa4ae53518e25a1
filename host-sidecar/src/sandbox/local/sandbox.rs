//! One sandbox from its start to its end: messages go in, frames come out, every wait has a bound.

use super::{Local, bundle, cgroup::Cgroup, outer_bound::OuterBound, reaper::Owned, state::RunDir, unavailable};
use crate::{
    execution::{Error, ErrorCode, Report},
    policy::{Limits, Plan, Profile},
    sandbox::{
        Run,
        progress::{End, Grace, Progress},
        readiness::Readiness,
    },
};
use cofferdam_protocol::{Message, encode_message};
use std::{io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, sleep_until, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a runner on this machine is given beyond the program's time.
const GRACE: Grace = Grace { end: Duration::from_millis(1500), files: Duration::from_secs(10) };
/// How long runsc may take to go once the runner has said its last word or was told to go.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a sandbox that waits may take to say that it is there.
const ATTENTION: Duration = Duration::from_millis(500);
/// How long a sandbox may take to be built that nobody waits for.
const PREPARATION: Duration = Duration::from_secs(60);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;
const CHUNK: usize = 128 << 10;

/// A sandbox. It ends with this, and what it was made of is removed.
#[derive(Debug)]
pub(crate) struct Sandbox {
    dir: Owned,
    cgroup: Cgroup,
    runsc: Child,
    /// Its end tells the runner to stop.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    messages: Option<JoinHandle<String>>,
    /// Set when the sandbox holds more than it may, where the kernel does not see to that.
    too_large: CancellationToken,
    hang_up: CancellationToken,
    _hang_up_when_dropped: DropGuard,
}

impl Sandbox {
    /// Starts one.
    pub(super) async fn start(local: &Local, id: &str, limits: &Limits) -> Result<Self, Error> {
        let dir = local.state.create(id).map_err(|error| unavailable("make the folder of the run", error))?;
        match Parts::build(local, &dir, limits) {
            Ok(parts) => Ok(Self::of(parts, dir, limits)),
            Err(error) => {
                remove(Owned::new(dir)).await;
                Err(error)
            }
        }
    }

    fn of(parts: Parts, dir: RunDir, limits: &Limits) -> Self {
        let Parts { cgroup, runsc, stdin, stdout, stderr } = parts;
        let hang_up = CancellationToken::new();
        let too_large = if cgroup.bounds_memory() {
            CancellationToken::new()
        } else {
            OuterBound::new(limits, &dir.runsc_root()).watch(hang_up.clone())
        };
        Self {
            dir: Owned::new(dir),
            cgroup,
            runsc,
            stdin: Some(stdin),
            stdout,
            messages: Some(tokio::spawn(read_messages(stderr))),
            too_large,
            _hang_up_when_dropped: hang_up.clone().drop_guard(),
            hang_up,
        }
    }

    /// Has its runner do what can be done before there is a program.
    pub(super) async fn prepare(&mut self, profile: &Profile, cancelled: &CancellationToken) -> Result<(), Error> {
        let message = Message::Prepare(profile.preparation());
        let prepared = tokio::select! {
            prepared = self.say(&message, 2) => prepared,
            () = sleep(PREPARATION) => Err(io::ErrorKind::TimedOut.into()),
            () = cancelled.cancelled() => Err(io::ErrorKind::Interrupted.into()),
        };
        match prepared {
            Ok(()) => Ok(()),
            Err(error) => {
                let messages = self.end().await;
                let messages = if messages.is_empty() { messages } else { format!(" ({messages})") };
                Err(unavailable(&format!("prepare the sandbox{messages}"), error))
            }
        }
    }

    /// Whether its runner still waits.
    pub(super) async fn attends(&mut self) -> bool {
        matches!(timeout(ATTENTION, self.say(&Message::Attend, 1)).await, Ok(Ok(())))
    }

    /// Sends a message and hears so many times that the runner is ready for the next.
    async fn say(&mut self, message: &Message, times: usize) -> io::Result<()> {
        let message = encode_message(message).map_err(io::Error::other)?;
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(&message).await?;
        let (mut readiness, mut chunk) = (Readiness::awaited(times), [0; 4096]);
        loop {
            let length = self.stdout.read(&mut chunk).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if readiness.take(&chunk[..length])? {
                return Ok(());
            }
        }
    }

    /// Runs the plan's program in it. When this gives what the runner has told to its end, nothing of the program is left.
    pub(super) async fn run(&mut self, plan: Plan, run: &Run<'_>, was_waiting: bool) -> Result<Report, Error> {
        let mut progress = Progress::new(run, &plan, was_waiting, GRACE);
        let message = encode_message(&Message::Run(plan.program))
            .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))?;
        let feeding = feed(self.stdin.take(), message, self.hang_up.clone());
        let end = self.until_end(&mut progress, run, feeding).await;
        let is_whole = matches!(end, End::Done);
        // What runsc has to say of an end that the runner has told of is of no use.
        let messages = if is_whole { String::new() } else { self.end().await };
        progress.report(end, || self.cgroup.was_out_of_memory()).map_err(|error| {
            if error.detail.is_none() && !messages.is_empty() { error.with_detail(messages) } else { error }
        })
    }

    async fn until_end(
        &mut self,
        progress: &mut Progress<'_>,
        run: &Run<'_>,
        feeding: impl Future<Output = ()>,
    ) -> End {
        let mut chunk = vec![0; CHUNK];
        let (mut feeding, mut is_fed) = (pin!(feeding), false);
        loop {
            if let Err(error) = self.cgroup.hold_cpu(progress.is_running()) {
                return End::Failed(format!("bound the processors: {error}"));
            }
            let read = tokio::select! {
                read = self.stdout.read(&mut chunk) => read,
                () = sleep_until(progress.time_is_up()), if progress.is_running() => continue,
                () = &mut feeding, if !is_fed => {
                    is_fed = true;
                    continue;
                }
                () = sleep_until(progress.deadline()) => return End::Overdue,
                () = self.too_large.cancelled() => return End::TooLarge,
                () = run.cancelled.cancelled(), if !self.hang_up.is_cancelled() => {
                    self.hang_up.cancel();
                    progress.hurry();
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

    /// Ends it, and gives what runsc had to say.
    async fn end(&mut self) -> String {
        self.hang_up.cancel();
        if let Err(error) = self.cgroup.hold_cpu(false) {
            tracing::warn!(id = self.dir.id(), %error, "the end of the sandbox is held to the program's processors");
        }
        self.stdin = None;
        let Some(messages) = self.messages.take() else { return String::new() };
        match timeout(FAREWELL, self.runsc.wait()).await {
            Ok(Ok(status)) if status.code().is_some() => {
                if let Some(dir) = self.dir.dir() {
                    dir.note_quiet();
                }
            }
            _ => {
                tracing::warn!(id = self.dir.id(), "runsc did not end by itself and is killed");
                let _ = self.runsc.start_kill();
            }
        }
        timeout(FAREWELL, messages).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Ends it, and removes all that it was made of.
    pub(super) async fn remove(mut self) {
        self.end().await;
        remove(self.dir).await;
    }
}

async fn remove(dir: Owned) {
    let id = dir.id().to_owned();
    let removed = spawn_blocking(move || dir.remove()).await;
    if let Err(error) = removed.unwrap_or_else(|error| Err(io::Error::other(error))) {
        tracing::warn!(id, %error, "what the run left could not be removed");
    }
}

/// What a sandbox is made of, beside its folder.
struct Parts {
    cgroup: Cgroup,
    runsc: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Parts {
    fn build(local: &Local, dir: &RunDir, limits: &Limits) -> Result<Self, Error> {
        let cgroup = Cgroup::create(dir.id(), limits).map_err(|error| unavailable("make the cgroup", error))?;
        if limits.cpu_millis.is_some() && !cgroup.bounds_cpu() {
            let message = "a CPU limit cannot be enforced here: this user may not make cgroups; leave it out, or run as \
                           root";
            return Err(Error::new(ErrorCode::SandboxUnavailable, message));
        }
        let binds = local.root.lay_out(dir).map_err(|error| unavailable("lay out the root", error))?;
        bundle::write(dir, &binds).map_err(|error| unavailable("write the bundle", error))?;
        tracing::debug!(id = dir.id(), "the sandbox is being started");
        let mut runsc = local.runsc.start(dir, &cgroup).map_err(|error| unavailable("start runsc", error))?;
        match (runsc.stdin.take(), runsc.stdout.take(), runsc.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Self { cgroup, runsc, stdin, stdout, stderr }),
            _ => Err(Error::new(ErrorCode::Internal, "the sandbox has no streams")),
        }
    }
}

/// Writes the program, then keeps the pipe open until it is time to hang up.
async fn feed(stdin: Option<ChildStdin>, program: Vec<u8>, hang_up: CancellationToken) {
    let Some(mut stdin) = stdin else { return };
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
async fn read_messages(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim().to_owned()
}
