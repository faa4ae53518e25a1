//! gVisor on this machine: a sandbox a run, no daemon, nothing shared between two runs.

mod bundle;
mod cgroup;
mod config;
pub mod doctor;
mod outer_bound;
mod parts;
mod place;
mod process;
mod reaper;
mod root;
mod runsc;
mod sandbox;
mod state;

use cofferdam_core::{
    Backend, Phase, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead, new_id,
    policy::{Plan, Profile},
    progress,
};
use cofferdam_types::{Error, ErrorCode, Report};
pub use config::LocalConfig;
use reaper::Reaper;
use root::Root;
use runsc::Runsc;
use sandbox::Sandbox;
use state::StateDir;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::spawn_blocking,
    time::{sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Runs each plan under `runsc` on this machine.
#[derive(Debug, Clone)]
pub struct LocalBackend {
    runsc: Runsc,
    root: Root,
    state: StateDir,
    /// What is being removed beside the answers.
    removals: TaskTracker,
    /// Removes what others have left.
    reaper: Reaper,
}

/// How long removals may take that nobody waited for, before they are left to the next run.
const SETTLING: Duration = Duration::from_secs(10);

/// What this machine lacks.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no gVisor.
    #[error(
        "gVisor is not on this machine: there is no `runsc` in {}PATH; install it (`make setup` in Cofferdam's \
         repository does), or name it with --runsc or COFFERDAM_RUNSC",
        cache.as_ref().map(|cache| format!("{} or ", cache.display())).unwrap_or_default()
    )]
    NoRunsc {
        /// Where set-up would have put it; none where the user has no home.
        cache: Option<PathBuf>,
    },
    /// What was named is no program.
    #[error("the setting `runsc` names {}, which is not a program that can be run", .0.display())]
    RunscNotExecutable(PathBuf),
    /// The root is not one.
    #[error("the setting `rootfs` names {}, which is not a folder", .0.display())]
    NoRootfs(PathBuf),
    /// Runs have no place.
    #[error("the folder for runs, {}, cannot be used: {source}; name another with COFFERDAM_STATE_DIR", path.display())]
    StateDir {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An unprivileged user cannot make namespaces here.
    #[error(
        "you are not root, and this kernel does not let you make user namespaces, which rootless gVisor needs: set \
         {sysctl}, or run as root"
    )]
    NoUserNamespaces {
        /// The setting of the kernel that would.
        sysctl: &'static str,
    },
}

impl LocalBackend {
    /// Finds what a run needs.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for what is missing, and what to do.
    pub fn new(config: &LocalConfig) -> Result<Self, SetupError> {
        Ok(Self {
            runsc: Runsc::find(config.runsc.as_deref())?,
            root: Root::new(config.rootfs.as_deref())?,
            state: StateDir::open(config.state_dir.as_deref())?,
            removals: TaskTracker::new(),
            reaper: Reaper::default(),
        })
    }

    /// The gVisor program that runs are started with.
    #[must_use]
    pub fn runsc(&self) -> &Path {
        self.runsc.program()
    }

    /// The gVisor program that runs would be started with.
    ///
    /// # Errors
    ///
    /// [`SetupError`] where there is none that can be.
    pub fn find_runsc(config: &LocalConfig) -> Result<PathBuf, SetupError> {
        Runsc::find(config.runsc.as_deref()).map(|runsc| runsc.program().to_owned())
    }

    async fn run(&self, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        run.observer.entered(Phase::Starting);
        self.reaper.begin(&self.state, &self.removals);
        let mut sandbox = self.start(&plan, run).await?;
        let result = sandbox.run(plan, run, false).await;
        run.observer.entered(Phase::Cleaning);
        let patience = sandbox.removal_patience();
        if timeout(patience, self.removals.spawn(sandbox.remove())).await.is_err() {
            tracing::debug!(id = run.id, "the sandbox is still being removed");
        }
        let mut report = result?;
        report.timings.answered = run.elapsed();
        Ok(report)
    }

    /// Starts the sandbox of a run. One that comes too late is removed beside the answer.
    async fn start(&self, plan: &Plan, run: &Run<'_>) -> Result<Sandbox, Error> {
        let (sender, started) = oneshot::channel();
        let (local, id, limits) = (self.clone(), run.id.clone(), plan.limits);
        self.removals.spawn(async move {
            if let Err(Ok(late)) = sender.send(Sandbox::start(&local, &id, &limits).await) {
                late.remove().await;
            }
        });
        tokio::select! {
            started = started => started.unwrap_or_else(|error| Err(start_broke_off(error))),
            () = sleep_until(progress::startup_deadline(run, plan)) => Err(progress::startup_timeout().retryable()),
            () = run.cancelled.cancelled() => Err(progress::cancelled_before_start()),
        }
    }
}

impl StartsAhead for LocalBackend {
    type Sandbox = Sandbox;

    async fn start_ahead(
        &self,
        profile: &Profile,
        _: Duration,
        cancelled: &CancellationToken,
    ) -> Result<Sandbox, Error> {
        self.reaper.begin(&self.state, &self.removals);
        let mut sandbox = Sandbox::start(self, &new_id(), &profile.plan().limits).await?;
        match sandbox.prepare(profile, cancelled).await {
            Ok(()) => Ok(sandbox),
            Err(error) => {
                sandbox.remove().await;
                Err(error)
            }
        }
    }

    async fn attends(&self, sandbox: &mut Sandbox) -> bool {
        sandbox.attends().await
    }

    async fn run_in(&self, mut sandbox: Sandbox, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        let result = sandbox.run(plan, run, true).await;
        run.observer.entered(Phase::Cleaning);
        self.remove(sandbox);
        let mut report = result?;
        report.timings.answered = run.elapsed();
        Ok(report)
    }

    fn remove(&self, sandbox: Sandbox) {
        self.removals.spawn(sandbox.remove());
    }
}

impl Backend for LocalBackend {
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a> {
        Box::pin(self.run(plan, run))
    }

    fn ready(&self) -> ReadyFuture<'_> {
        Box::pin(async {
            self.reaper.begin(&self.state, &self.removals);
            let (runsc, state) = (self.runsc.clone(), self.state.clone());
            let checked = spawn_blocking(move || runsc.check().and_then(|()| state.check()));
            let failure = match checked.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            let text = "sandboxes cannot be built on this machine any more; the operator's log says why";
            Err(Error::new(ErrorCode::SandboxUnavailable, text).with_detail(failure))
        })
    }

    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {
            self.removals.close();
            if timeout(SETTLING, self.removals.wait()).await.is_err() {
                tracing::warn!("what runs left is not removed yet; the next run or `cofferdam gc` removes it");
            }
            self.removals.reopen();
        })
    }
}

/// Removes what processes that are gone have left, and gives how many runs that were.
///
/// # Errors
///
/// [`SetupError`] for a folder that cannot be used, else what could not be removed.
pub fn collect_garbage(config: &LocalConfig) -> Result<usize, GarbageError> {
    let state = StateDir::open(config.state_dir.as_deref())?;
    Ok(reaper::reap(&state)?)
}

/// Why garbage could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum GarbageError {
    /// The folder of runs cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Something could not be removed.
    #[error("what an earlier run left could not be removed: {0}")]
    Remove(#[from] io::Error),
}

fn start_broke_off(error: impl ToString) -> Error {
    Error::internal("the start of the sandbox broke off", error)
}

fn unavailable(step: &str, error: io::Error) -> Error {
    Error::new(ErrorCode::SandboxUnavailable, "the sandbox cannot be built; the operator's log says why")
        .with_detail(format!("cannot {step}: {error}"))
        .retryable()
}
