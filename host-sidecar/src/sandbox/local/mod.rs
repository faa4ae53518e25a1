//! gVisor on this machine: a sandbox a run, no daemon, nothing shared between two runs.

mod bundle;
mod cgroup;
mod outer_bound;
mod process;
mod reaper;
mod root;
mod runsc;
mod sandbox;
mod state;

use crate::{
    config::Settings,
    execution::{Error, ErrorCode, Report},
    policy::{Plan, Profile},
    sandbox::{Backend, Phase, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead, new_id},
};
use root::Root;
use runsc::Runsc;
use sandbox::Sandbox;
use state::StateDir;
use std::{
    io,
    path::{Path, PathBuf},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Runs each plan under `runsc` on this machine.
#[derive(Debug, Clone)]
pub struct Local {
    runsc: Runsc,
    root: Root,
    state: StateDir,
    /// What is being removed beside the answers.
    removals: TaskTracker,
}

/// What this machine lacks.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no gVisor.
    #[error(
        "gVisor is not on this machine: there is no `runsc` in {searched}; install it (`make setup` in Cofferdam's \
         repository does), or name it with --runsc or COFFERDAM_RUNSC"
    )]
    NoRunsc {
        /// Where it was looked for.
        searched: String,
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

impl Local {
    /// Finds what a run needs.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for what is missing, and what to do.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        Ok(Self {
            runsc: Runsc::find(settings.runsc.as_deref())?,
            root: Root::new(settings.rootfs.as_deref())?,
            state: StateDir::open(settings.state_dir.as_deref())?,
            removals: TaskTracker::new(),
        })
    }

    /// The gVisor program that runs are started with.
    #[must_use]
    pub fn runsc(&self) -> &Path {
        self.runsc.program()
    }

    async fn run(&self, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        run.observer.entered(Phase::Starting);
        let state = self.state.clone();
        // What a killed process left goes while the sandbox starts, so that it costs nothing.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = reaper::reap(&state) {
                tracing::warn!(%error, "what an earlier run left could not be removed");
            }
        });
        let mut sandbox = Sandbox::start(self, &run.id, &plan.limits).await?;
        let result = sandbox.run(plan, run, false).await;
        run.observer.entered(Phase::Cleaning);
        sandbox.remove().await;
        let mut report = result?;
        report.timings.answered = run.elapsed();
        Ok(report)
    }
}

impl StartsAhead for Local {
    type Sandbox = Sandbox;

    async fn start_ahead(&self, profile: &Profile, cancelled: &CancellationToken) -> Result<Sandbox, Error> {
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

impl Backend for Local {
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a> {
        Box::pin(self.run(plan, run))
    }

    fn ready(&self) -> ReadyFuture<'_> {
        let ready = self.runsc.check().and_then(|()| self.state.check());
        let text = "sandboxes cannot be built on this machine any more; the operator's log says why";
        let ready = ready.map_err(|error| Error::new(ErrorCode::SandboxUnavailable, text).with_detail(error));
        Box::pin(std::future::ready(ready))
    }

    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {
            self.removals.close();
            self.removals.wait().await;
            self.removals.reopen();
        })
    }
}

/// Removes what processes that are gone have left, and gives how many runs that were.
///
/// # Errors
///
/// [`SetupError`] for a folder that cannot be used, else what could not be removed.
pub fn collect_garbage(settings: &Settings) -> Result<usize, GarbageError> {
    let state = StateDir::open(settings.state_dir.as_deref())?;
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

fn unavailable(step: &str, error: io::Error) -> Error {
    Error::new(ErrorCode::SandboxUnavailable, "the sandbox cannot be built; the operator's log says why")
        .with_detail(format!("cannot {step}: {error}"))
        .retryable()
}
