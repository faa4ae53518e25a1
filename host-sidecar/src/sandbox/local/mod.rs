//! gVisor on this machine: a sandbox a run, no daemon, nothing shared between two runs.

mod bundle;
mod cgroup;
mod drive;
mod outer_bound;
mod process;
mod reaper;
mod root;
mod runsc;
mod state;

use crate::{
    config::Settings,
    execution::{Error, ErrorCode, Report},
    policy::Plan,
    sandbox::{Backend, Phase, ReadyFuture, Run, RunFuture},
};
use cgroup::Cgroup;
use root::Root;
use runsc::Runsc;
use state::{RunDir, StateDir};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Runs each plan under `runsc` on this machine.
#[derive(Debug, Clone)]
pub struct Local {
    runsc: Runsc,
    root: Root,
    state: StateDir,
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
        let dir = self.state.create(&run.id).map_err(|error| unavailable("make the folder of the run", error))?;
        let dir = reaper::Owned::new(dir);
        let result = match dir.dir() {
            Some(dir) => self.run_with(dir, plan, run).await,
            None => Err(Error::new(ErrorCode::Internal, "the run has no folder")),
        };
        run.observer.entered(Phase::Cleaning);
        match tokio::task::spawn_blocking(move || dir.remove()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(id = run.id, %error, "what the run left could not be removed"),
            Err(error) => tracing::warn!(id = run.id, %error, "what the run left could not be removed"),
        }
        let mut report = result?;
        report.timings.answered = run.elapsed();
        Ok(report)
    }

    async fn run_with(&self, dir: &RunDir, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        let cgroup = Cgroup::create(&run.id, &plan.limits).map_err(|error| unavailable("make the cgroup", error))?;
        if plan.limits.cpu_millis.is_some() && !cgroup.bounds_cpu() {
            let message = "a CPU limit cannot be enforced here: this user may not make cgroups; leave it out, or run as \
                           root";
            return Err(Error::new(ErrorCode::SandboxUnavailable, message));
        }
        let binds = self.root.lay_out(dir).map_err(|error| unavailable("lay out the root", error))?;
        bundle::write(dir, &binds).map_err(|error| unavailable("write the bundle", error))?;
        tracing::debug!(id = run.id, "the sandbox is being started");
        let sandbox = self.runsc.start(dir, &cgroup).map_err(|error| unavailable("start runsc", error))?;
        drive::drive(sandbox, plan, run, &cgroup, dir).await
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
