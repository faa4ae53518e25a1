//! The container of a sandbox: runsc, its files and its limits, from its creation to its deletion.

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
use cofferdam_core::{connection::ExecutionMonitor, policy::Limits};
use cofferdam_types::Error;
use std::{io, time::Duration};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Time that runsc may take to exit once the runner has sent its last frame or was asked to stop.
pub(crate) const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time that runsc may take to exit once all its processes were killed, and its messages to be read.
const KILL_TIMEOUT: Duration = Duration::from_millis(150);
/// Time that an answer waits for the deletion of its sandbox. After that the deletion continues beside the
/// answer.
const DELETION_TIMEOUT: Duration = Duration::from_secs(2);
/// The same where the sandbox did not answer.
const KILLED_DELETION_TIMEOUT: Duration = Duration::from_millis(150);
/// Bytes of runsc's own messages that are kept for the operator.
const MAX_MESSAGES: u64 = 16 << 10;

/// A running container. When it is dropped, its files are removed; its runner stops when its input is closed.
pub(crate) struct Container {
    dir: RunDirGuard,
    /// The image stays while the container exists.
    _image: Option<Image>,
    runsc: Child,
    was_killed: bool,
    pub(crate) monitor: Monitor,
    /// Reads runsc's messages.
    messages: Option<JoinHandle<String>>,
    deletions: TaskTracker,
    _stops_monitor: DropGuard,
}

impl Container {
    /// Creates one; gives the output and the input of its runner with it. Files, locks, cgroups and a new process may
    /// each block, so it is not done on a thread of the runtime.
    pub(crate) async fn create(
        machine: &Machine,
        id: &str,
        image: Option<String>,
        limits: &Limits,
    ) -> Result<(Self, ChildStdout, ChildStdin), Error> {
        let (machine, id, limits) = (machine.clone(), id.to_owned(), *limits);
        let created = spawn_blocking(move || {
            let image = image.map(|name| images::find(machine.images.as_ref(), &name)).transpose()?;
            let dir = machine
                .state
                .create(&id)
                .map_err(|error| unavailable("create the sandbox's directory", error))?;
            // From here on it is deleted on every path.
            let dir = RunDirGuard::new(dir);
            match dir.dir().map(|dir| Parts::build(&machine, dir, &limits, image.as_ref())) {
                Some(Ok(parts)) => Ok(Self::new(parts, dir, image, &limits, &machine)),
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
        image: Option<Image>,
        limits: &Limits,
        machine: &Machine,
    ) -> (Self, ChildStdout, ChildStdin) {
        let Parts { cgroup, runsc, stdin, stdout, stderr } = parts;
        let done = CancellationToken::new();
        let launcher = runsc.id().filter(|_| !cgroup.limits_memory()).and_then(Process::of);
        let memory_exceeded = launcher.map_or_else(CancellationToken::new, |launcher| {
            MemoryMonitor::new(limits, launcher).watch(done.clone())
        });
        let container = Self {
            dir,
            _image: image,
            runsc,
            was_killed: false,
            monitor: Monitor { cgroup, memory_exceeded },
            messages: Some(tokio::spawn(read_messages(stderr))),
            deletions: machine.deletions.clone(),
            _stops_monitor: done.drop_guard(),
        };
        (container, stdout, stdin)
    }

    /// The id of its sandbox.
    pub(crate) fn id(&self) -> &str {
        self.dir.id()
    }

    /// Its processes on this machine, while its files exist.
    pub(crate) fn processes(&self) -> Option<Processes> {
        self.dir.dir().map(Processes::of)
    }

    /// Waits until it has stopped, and kills it where it has not within this time; gives runsc's messages. The input of
    /// its runner must be closed.
    pub(crate) async fn stop(&mut self, exit_timeout: Duration) -> String {
        if let Err(error) = self.monitor.limit_cpu(false).await {
            tracing::debug!(id = self.id(), %error, "the sandbox stops within the program's limit on processors");
        }
        let Some(messages) = self.messages.take() else { return String::new() };
        if timeout(exit_timeout, self.runsc.wait()).await.is_err() {
            self.kill().await;
        }
        timeout(KILL_TIMEOUT, messages).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Kills the processes of runsc, whereupon it exits and leaves no zombies; if it does not, kills it too.
    async fn kill(&mut self) {
        tracing::debug!(id = self.id(), "the sandbox did not stop and is killed");
        self.was_killed = true;
        let Some(processes) = self.processes() else { return };
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

    /// The same in the background; the future waits for it within a bound.
    pub(crate) fn delete(self) -> impl Future<Output = ()> + Send + use<> {
        let limit = if self.was_killed { KILLED_DELETION_TIMEOUT } else { DELETION_TIMEOUT };
        let id = self.id().to_owned();
        let deletion = self.deletions.clone().spawn(self.remove());
        async move {
            if timeout(limit, deletion).await.is_err() {
                tracing::debug!(id, "the sandbox is still being deleted");
            }
        }
    }
}

/// Applies the limits that the cgroup does not apply by itself.
#[derive(Debug)]
pub(crate) struct Monitor {
    cgroup: Cgroup,
    memory_exceeded: CancellationToken,
}

impl Monitor {
    /// Whether it has exceeded its memory, where the kernel does not enforce that.
    pub(crate) fn exceeded_memory(&self) -> bool {
        self.memory_exceeded.is_cancelled()
    }

    /// Whether the kernel has killed it for its memory.
    pub(crate) async fn was_out_of_memory(&self) -> bool {
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
