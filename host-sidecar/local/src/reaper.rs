//! Deletes sandboxes, and finds those whose owner has exited.

use super::{
    cgroup::Cgroup,
    process::Processes,
    state::{RunDir, StateDir},
};
use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Interval between two searches for orphaned sandboxes.
const SEARCH_INTERVAL: Duration = Duration::from_secs(60);

/// Deletes orphaned sandboxes in the background, at intervals.
#[derive(Debug, Clone, Default)]
pub(super) struct Reaper(Arc<OnceLock<DropGuard>>);

impl Reaper {
    /// Starts the search, unless it has been started. The first search is one of the `deletions`, which the
    /// process waits for before it exits.
    pub(super) fn start(&self, state: &StateDir, deletions: &TaskTracker) {
        self.0.get_or_init(|| {
            let stop = CancellationToken::new();
            let (state, stopped) = (state.clone(), stop.clone());
            let first = deletions.spawn_blocking({
                let state = state.clone();
                move || reap_and_log(&state)
            });
            tokio::spawn(async move {
                let _ = first.await;
                loop {
                    tokio::select! {
                        () = stopped.cancelled() => return,
                        () = sleep(SEARCH_INTERVAL) => {}
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
        tracing::warn!(%error, "an orphaned sandbox could not be deleted");
    }
}

/// Deletes all orphaned sandboxes and returns their number. Continues after a failure, and returns the first
/// one.
pub(super) fn reap(state: &StateDir) -> io::Result<usize> {
    let results: Vec<_> = state.orphaned()?.into_iter().map(delete).collect();
    let count = results.len();
    results.into_iter().collect::<io::Result<()>>().map(|()| count)
}

/// Deletes a sandbox: its processes first, since they use the cgroup and the files; its directory last, since
/// it records the processes.
pub(super) fn delete(dir: RunDir) -> io::Result<()> {
    Processes::of(&dir).kill_all()?;
    Cgroup::of(dir.id()).delete()?;
    dir.delete()
}
