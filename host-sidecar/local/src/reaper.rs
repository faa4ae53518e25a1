//! Taking away what a run was made of.

use super::{
    cgroup::Cgroup,
    process::Processes,
    state::{RunDir, StateDir},
};
use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Between two looks at what others have left, in a process that stays.
const INTERVAL: Duration = Duration::from_secs(60);

/// Removes what processes that are gone have left: when the first sandbox is wanted, and from time to time after that.
#[derive(Debug, Clone, Default)]
pub(super) struct Reaper(Arc<OnceLock<DropGuard>>);

impl Reaper {
    /// Begins, if that has not been done. The first look is one of the `removals`, which a process waits for before it ends.
    pub(super) fn begin(&self, state: &StateDir, removals: &TaskTracker) {
        self.0.get_or_init(|| {
            let stop = CancellationToken::new();
            let (state, stopped) = (state.clone(), stop.clone());
            let first = removals.spawn_blocking({
                let state = state.clone();
                move || reap_and_log(&state)
            });
            tokio::spawn(async move {
                let _ = first.await;
                loop {
                    tokio::select! {
                        () = stopped.cancelled() => return,
                        () = sleep(INTERVAL) => {}
                    }
                    let state = state.clone();
                    let _ = spawn_blocking(move || reap_and_log(&state)).await;
                }
            });
            stop.drop_guard()
        });
    }
}

fn reap_and_log(state: &StateDir) {
    if let Err(error) = reap(state) {
        tracing::warn!(%error, "what an earlier run left could not be removed");
    }
}

/// Removes every run whose process is gone, and gives how many there were. One that cannot be removed does not keep the
/// others from it; the first such failure is the result.
pub(super) fn reap(state: &StateDir) -> io::Result<usize> {
    let removed: Vec<_> = state.abandoned()?.into_iter().map(remove).collect();
    let count = removed.len();
    removed.into_iter().collect::<io::Result<()>>().map(|()| count)
}

/// A run's folder, which goes when this does: also where whoever waited for the run does so no longer.
#[derive(Debug)]
pub(super) struct Owned(Option<RunDir>);

impl Owned {
    pub(super) fn new(dir: RunDir) -> Self {
        Self(Some(dir))
    }

    /// The folder; none only while it is being removed.
    pub(super) fn dir(&self) -> Option<&RunDir> {
        self.0.as_ref()
    }

    /// The run's id; empty only while it is being removed.
    pub(super) fn id(&self) -> &str {
        self.0.as_ref().map_or("", RunDir::id)
    }

    /// Removes the run, and waits until that is done.
    pub(super) fn remove(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), remove)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            thread::spawn(move || {
                let id = dir.id().to_owned();
                if let Err(error) = remove(dir) {
                    tracing::warn!(id, %error, "an abandoned run could not be removed");
                }
            });
        }
    }
}

/// Removes all of a run: processes first, since they hold the rest; its folder last, since that names the rest.
pub(super) fn remove(dir: RunDir) -> io::Result<()> {
    Processes::of(&dir).kill_all()?;
    Cgroup::of(dir.id()).delete()?;
    dir.delete()
}
