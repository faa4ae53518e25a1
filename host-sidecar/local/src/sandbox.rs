//! One sandbox, from its creation to its deletion.

use crate::{
    cgroup::{Cgroup, ControlFile},
    error::{creation_failed, unavailable},
    images::{self, Image},
    machine::Machine,
    memory_monitor::MemoryMonitor,
    parts::Parts,
    process::{Process, Processes},
    run_dir_guard::RunDirGuard,
};
use cofferdam_core::{
    BoxFuture, ExecutionContext, Phase, Sandbox,
    connection::{ExecutionMonitor, RunnerConnection},
    execution_state::{ExecutionState, Grace, SandboxEnd},
    inputs::ProgramMessages,
    policy::Limits,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, Report};
use std::{fmt, io, time::Duration};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// The runner on this machine has killed the program and reported it long before that, or the sandbox does
/// not answer any more.
const GRACE: Grace = Grace { end: Duration::from_millis(1500), files: Duration::from_secs(10) };
/// Time that runsc may take to exit once the runner has sent its last frame or was asked to stop.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time that runsc may take to exit once all its processes were killed, and its messages to be read.
const KILL_TIMEOUT: Duration = Duration::from_millis(150);
/// Time that an answer waits for the deletion of its sandbox. After that the deletion continues beside the
/// answer.
const DELETION_TIMEOUT: Duration = Duration::from_secs(2);
/// The same where the sandbox did not answer.
const KILLED_DELETION_TIMEOUT: Duration = Duration::from_millis(150);
/// Time that a sandbox of the pool may take to be prepared.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;

/// A sandbox. When it is dropped, its runner stops, and its files are removed.
pub(crate) struct LocalSandbox {
    spec: SandboxSpec,
    dir: RunDirGuard,
    /// The image stays while the sandbox exists.
    _image: Option<Image>,
    runsc: Child,
    was_killed: bool,
    is_warm: bool,
    connection: RunnerConnection<ChildStdout, ChildStdin>,
    monitor: Monitor,
    /// Reads runsc's messages.
    messages: Option<JoinHandle<String>>,
    deletions: TaskTracker,
    _close_when_dropped: DropGuard,
}

/// The id alone, which is what a log needs.
impl fmt::Debug for LocalSandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.dir.id())
    }
}

impl LocalSandbox {
    /// Creates one. Files, locks, cgroups and a new process may each block, so it is not done on a thread of
    /// the runtime.
    pub(crate) async fn create(
        machine: &Machine,
        id: &str,
        spec: SandboxSpec,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let (machine, id, limits) = (machine.clone(), id.to_owned(), *limits);
        let created = spawn_blocking(move || {
            let image =
                spec.image.as_ref().map(|name| images::find(machine.images.as_ref(), name)).transpose()?;
            let dir = machine
                .state
                .create(&id)
                .map_err(|error| unavailable("create the sandbox's directory", error))?;
            // From here on it is deleted on every path.
            let dir = RunDirGuard::new(dir);
            match dir.dir().map(|dir| Parts::build(&machine, dir, &limits, image.as_ref())) {
                Some(Ok(parts)) => Ok(Self::new(parts, dir, spec, image, &machine)),
                Some(Err(error)) => {
                    delete(dir);
                    Err(error)
                }
                None => {
                    Err(creation_failed("the sandbox's directory was removed before the sandbox was built"))
                }
            }
        });
        created.await.unwrap_or_else(|error| Err(creation_failed(error)))
    }

    fn new(
        parts: Parts,
        dir: RunDirGuard,
        spec: SandboxSpec,
        image: Option<Image>,
        machine: &Machine,
    ) -> Self {
        let Parts { cgroup, runsc, stdin, stdout, stderr } = parts;
        let connection = RunnerConnection::new(stdout, stdin);
        let closed = connection.closed();
        let launcher = runsc.id().filter(|_| !cgroup.limits_memory()).and_then(Process::of);
        let memory_exceeded = launcher.map_or_else(CancellationToken::new, |launcher| {
            MemoryMonitor::new(&spec.limits, launcher).watch(closed.clone())
        });
        Self {
            spec,
            dir,
            _image: image,
            runsc,
            was_killed: false,
            is_warm: false,
            connection,
            monitor: Monitor { cgroup, memory_exceeded },
            messages: Some(tokio::spawn(read_messages(stderr))),
            deletions: machine.deletions.clone(),
            _close_when_dropped: closed.drop_guard(),
        }
    }

    /// Has its runner do what is possible before there is a program.
    pub(crate) async fn prepare(&mut self, cancelled: &CancellationToken) -> Result<(), Error> {
        let prepared = tokio::select! {
            prepared = self.connection.prepare(self.spec.preparation()) => prepared,
            () = sleep(PREPARE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
            () = cancelled.cancelled() => Err(io::ErrorKind::Interrupted.into()),
        };
        match prepared {
            Ok(()) => {
                self.is_warm = true;
                Ok(())
            }
            Err(error) => {
                let messages = self.stop(EXIT_TIMEOUT).await;
                let messages = if messages.is_empty() { messages } else { format!(" ({messages})") };
                Err(unavailable(&format!("prepare the sandbox{messages}"), error))
            }
        }
    }

    async fn execute(&mut self, exec: ExecSpec, context: &ExecutionContext<'_>) -> Result<Report, Error> {
        let mut state = ExecutionState::new(context, &exec, self.is_warm, GRACE);
        let messages = ProgramMessages::new(exec, &self.spec, self.is_warm)?;
        let end = self.connection.execute(messages, &mut state, &mut self.monitor).await;
        let messages = match end {
            // runsc's messages explain nothing where the runner has reported the end.
            SandboxEnd::Done => String::new(),
            SandboxEnd::Disconnected | SandboxEnd::Failed(_) => self.stop(EXIT_TIMEOUT).await,
            // A sandbox that does not answer, or violates the protocol, is not asked to stop.
            _ => self.stop(Duration::ZERO).await,
        };
        let has_failed = matches!(end, SandboxEnd::Failed(_));
        let was_out_of_memory = self.monitor.was_out_of_memory().await;
        context.observer.on_phase(Phase::Cleaning);
        state.report(end, || was_out_of_memory).map_err(|mut error| {
            // What is missing is missing in the image.
            if let (true, Some(image)) = (has_failed, &self.spec.image) {
                error.message = format!("{} (image {image})", error.message);
            }
            if error.detail.is_none() && !messages.is_empty() { error.with_detail(messages) } else { error }
        })
    }

    /// Stops it, by force where it has not exited within this time; gives runsc's messages.
    async fn stop(&mut self, exit_timeout: Duration) -> String {
        self.connection.close();
        if let Err(error) = self.monitor.limit_cpu(false).await {
            tracing::debug!(id = self.dir.id(), %error, "the sandbox stops within the program's limit on processors");
        }
        let Some(messages) = self.messages.take() else { return String::new() };
        if timeout(exit_timeout, self.runsc.wait()).await.is_err() {
            self.kill().await;
        }
        timeout(KILL_TIMEOUT, messages).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Kills the processes of runsc, whereupon it exits and leaves no zombies; if it does not, kills it too.
    async fn kill(&mut self) {
        tracing::debug!(id = self.dir.id(), "the sandbox did not stop and is killed");
        self.was_killed = true;
        let Some(processes) = self.dir.dir().map(Processes::of) else { return };
        let killing = spawn_blocking(move || processes.kill_descendants());
        let exited = async {
            let _ = killing.await;
            self.runsc.wait().await
        };
        if timeout(KILL_TIMEOUT, exited).await.is_err() {
            let _ = self.runsc.start_kill();
        }
    }

    /// Stops it and removes its files.
    pub(crate) async fn remove(mut self) {
        self.stop(EXIT_TIMEOUT).await;
        let dir = self.dir;
        let _ = spawn_blocking(move || delete(dir)).await;
    }
}

impl Sandbox for LocalSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(self.connection.ping())
    }

    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(self.execute(exec, context))
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        let limit = if self.was_killed { KILLED_DELETION_TIMEOUT } else { DELETION_TIMEOUT };
        let id = self.dir.id().to_owned();
        let deletion = self.deletions.clone().spawn(self.remove());
        Box::pin(async move {
            if timeout(limit, deletion).await.is_err() {
                tracing::debug!(id, "the sandbox is still being deleted");
            }
        })
    }
}

/// Applies the limits that the cgroup does not apply by itself.
#[derive(Debug)]
struct Monitor {
    cgroup: Cgroup,
    memory_exceeded: CancellationToken,
}

impl Monitor {
    async fn was_out_of_memory(&self) -> bool {
        let cgroup = self.cgroup.clone();
        spawn_blocking(move || cgroup.was_out_of_memory()).await.unwrap_or_default()
    }
}

impl ExecutionMonitor for Monitor {
    async fn limit_cpu(&mut self, is_running: bool) -> io::Result<()> {
        let files = self.cgroup.cpu_quota(is_running);
        if files.is_empty() {
            return Ok(());
        }
        let written = spawn_blocking(move || files.iter().try_for_each(ControlFile::write)).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn memory_exceeded(&self) -> CancellationToken {
        self.memory_exceeded.clone()
    }
}

fn delete(dir: RunDirGuard) {
    let id = dir.id().to_owned();
    if let Err(error) = dir.delete() {
        tracing::warn!(id, %error, "the sandbox could not be deleted; the next execution or `cofferdam gc` deletes it");
    }
}

/// Reads runsc's messages. Those beyond the limit are discarded.
async fn read_messages(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim().to_owned()
}
