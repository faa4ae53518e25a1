//! One sandbox from its start to its end: messages go in, frames come out, every wait has a bound.

use super::{
    LocalBackend,
    cgroup::{Cgroup, Setting},
    outer_bound::OuterBound,
    parts::Parts,
    process::{Process, Processes},
    reaper::Owned,
    start_broke_off, unavailable,
};
use cofferdam_core::{
    Run,
    policy::{Limits, Plan, Profile},
    progress::{End, Grace, Progress},
    readiness::Readiness,
};
use cofferdam_protocol::{Message, encode_message};
use cofferdam_types::{Error, ErrorCode, Report};
use std::{io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, sleep_until, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A runner on this machine has killed the program and said so long before that, or the sandbox does not answer any more.
const GRACE: Grace = Grace { end: Duration::from_millis(1500), files: Duration::from_secs(10) };
/// How long runsc may take to end by itself once the runner has sent its last frame or was told to end.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long runsc, and what it has written, may take once all that it started was killed.
const AFTER_KILL: Duration = Duration::from_millis(150);
/// How long an answer waits until all that its sandbox was made of is gone. After that it goes on beside the answer.
const REMOVAL: Duration = Duration::from_secs(2);
/// The same where the sandbox did not answer.
const LATE_REMOVAL: Duration = Duration::from_millis(150);
/// How long a sandbox that waits may take to say that it is there.
const ATTENTION: Duration = Duration::from_millis(500);
/// How long a sandbox may take to be built that nobody waits for.
const PREPARATION: Duration = Duration::from_secs(60);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;
const CHUNK: usize = 128 << 10;

/// A sandbox. It ends with this, and what it was made of is removed.
#[derive(Debug)]
pub struct Sandbox {
    dir: Owned,
    cgroup: Cgroup,
    runsc: Child,
    /// Whether it had to be killed.
    was_killed: bool,
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
    /// Starts one. Files, locks, cgroups and a new process may each take their time, so this is not done on a thread that
    /// others share.
    pub(super) async fn start(local: &LocalBackend, id: &str, limits: &Limits) -> Result<Self, Error> {
        let (local, id, limits) = (local.clone(), id.to_owned(), *limits);
        let started = spawn_blocking(move || {
            let dir = local.state.create(&id).map_err(|error| unavailable("make the folder of the run", error))?;
            // From here on it is removed on every way out.
            let dir = Owned::new(dir);
            match dir.dir().map(|dir| Parts::build(&local, dir, &limits)) {
                Some(Ok(parts)) => Ok(Self::of(parts, dir, &limits)),
                Some(Err(error)) => {
                    remove(dir);
                    Err(error)
                }
                None => Err(Error::internal(
                    "the folder of the run is gone",
                    "it was given up before the sandbox was built",
                )),
            }
        });
        started.await.unwrap_or_else(|error| Err(start_broke_off(error)))
    }

    fn of(parts: Parts, dir: Owned, limits: &Limits) -> Self {
        let Parts { cgroup, runsc, stdin, stdout, stderr } = parts;
        let hang_up = CancellationToken::new();
        let launcher = runsc.id().filter(|_| !cgroup.bounds_memory()).and_then(Process::of);
        let too_large = launcher
            .map_or_else(CancellationToken::new, |launcher| OuterBound::new(limits, launcher).watch(hang_up.clone()));
        Self {
            dir,
            cgroup,
            runsc,
            was_killed: false,
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
                let messages = self.end(FAREWELL).await;
                let messages = if messages.is_empty() { messages } else { format!(" ({messages})") };
                Err(unavailable(&format!("prepare the sandbox{messages}"), error))
            }
        }
    }

    /// Whether its runner still waits.
    pub(super) async fn attends(&mut self) -> bool {
        matches!(timeout(ATTENTION, self.say(&Message::Ping, 1)).await, Ok(Ok(())))
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
        let messages = match end {
            // What runsc has to say of an end that the runner has told of is of no use.
            End::Done => String::new(),
            End::Vanished | End::Failed(_) => self.end(FAREWELL).await,
            // What does not answer, or sends what no runner sends, is not asked to end.
            End::Overdue | End::TooLarge | End::Incomplete(_) | End::Corrupt(_) => self.end(Duration::ZERO).await,
        };
        let was_out_of_memory = self.was_out_of_memory().await;
        progress.report(end, || was_out_of_memory).map_err(|error| {
            if error.detail.is_none() && !messages.is_empty() { error.with_detail(messages) } else { error }
        })
    }

    async fn was_out_of_memory(&self) -> bool {
        let cgroup = self.cgroup.clone();
        spawn_blocking(move || cgroup.was_out_of_memory()).await.unwrap_or_default()
    }

    /// Has the bound on processors hold, or not.
    async fn hold_cpu(&mut self, holds: bool) -> io::Result<()> {
        let settings = self.cgroup.cpu_quota(holds);
        if settings.is_empty() {
            return Ok(());
        }
        let written = spawn_blocking(move || settings.iter().try_for_each(Setting::write)).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error)))
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
            if let Err(error) = self.hold_cpu(progress.is_running()).await {
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

    /// Ends it, by force where it has not ended by itself in this time; gives what runsc had to say.
    async fn end(&mut self, patience: Duration) -> String {
        self.hang_up.cancel();
        if let Err(error) = self.hold_cpu(false).await {
            tracing::debug!(id = self.dir.id(), %error, "the end of the sandbox is held to the program's processors");
        }
        self.stdin = None;
        let Some(messages) = self.messages.take() else { return String::new() };
        if timeout(patience, self.runsc.wait()).await.is_err() {
            self.kill().await;
        }
        timeout(AFTER_KILL, messages).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Kills what runsc has started, whereupon it ends by itself and leaves no zombies; if it does not, kills it too.
    async fn kill(&mut self) {
        tracing::debug!(id = self.dir.id(), "the sandbox did not end by itself and is killed");
        self.was_killed = true;
        let Some(processes) = self.dir.dir().map(Processes::of) else { return };
        let killing = spawn_blocking(move || processes.kill_started());
        let ended = async {
            let _ = killing.await;
            self.runsc.wait().await
        };
        if timeout(AFTER_KILL, ended).await.is_err() {
            let _ = self.runsc.start_kill();
        }
    }

    /// Ends it, and removes all that it was made of.
    pub(super) async fn remove(mut self) {
        self.end(FAREWELL).await;
        let dir = self.dir;
        let _ = spawn_blocking(move || remove(dir)).await;
    }

    /// How long an answer waits for its removal.
    pub(super) fn removal_patience(&self) -> Duration {
        if self.was_killed { LATE_REMOVAL } else { REMOVAL }
    }
}

fn remove(dir: Owned) {
    let id = dir.id().to_owned();
    if let Err(error) = dir.remove() {
        tracing::warn!(id, %error, "what the run left could not be removed; the next run or `cofferdam gc` removes it");
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
