//! Removes sandboxes, and those that other processes have left.

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

/// Between two searches for orphaned sandboxes, in a process that stays.
const INTERVAL: Duration = Duration::from_secs(60);

/// Removes orphaned sandboxes: when the first sandbox is created, and at intervals after that.
#[derive(Debug, Clone, Default)]
pub(super) struct Reaper(Arc<OnceLock<DropGuard>>);

impl Reaper {
    /// Starts, if that was not done. The first search is one of the `deletions`, which a process waits for before it ends.
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
    let removed: Vec<_> = state.orphaned()?.into_iter().map(remove).collect();
    let count = removed.len();
    removed.into_iter().collect::<io::Result<()>>().map(|()| count)
}

/// Removes a sandbox: its processes first, since they hold the rest; its folder last, since that names the rest.
pub(super) fn remove(dir: RunDir) -> io::Result<()> {
    Processes::of(&dir).kill_all()?;
    Cgroup::of(dir.id()).delete()?;
    dir.delete()
}
