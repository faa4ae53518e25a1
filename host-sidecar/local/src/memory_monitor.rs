//! The outer limit on memory if there is no cgroup: reads the memory of the sandbox's processes. The runner's
//! limit does not include memory that gVisor allocates for the program, such as full pipes.

use crate::{cgroup::sandbox_memory, process::Process};
use cofferdam_core::policy::Limits;
use std::time::Duration;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

/// Interval between two measurements. Each reads one line per process of the machine.
const INTERVAL: Duration = Duration::from_millis(200);

/// Monitors the memory of one sandbox.
#[derive(Debug)]
pub(super) struct MemoryMonitor {
    limit: u64,
    launcher: Process,
}

impl MemoryMonitor {
    /// Applies the limit that a cgroup would have to this process and its descendants.
    pub(super) fn new(limits: &Limits, launcher: Process) -> Self {
        Self { limit: sandbox_memory(limits), launcher }
    }

    /// Waits until the sandbox exceeds the limit.
    async fn exceeded(&self) {
        loop {
            sleep(INTERVAL).await;
            let launcher = self.launcher;
            let used = spawn_blocking(move || launcher.anonymous_memory()).await;
            if used.is_ok_and(|used| used.is_ok_and(|used| used > self.limit)) {
                return;
            }
        }
    }

    /// Monitors in the background until `done`. Cancels the returned token when the sandbox exceeds the
    /// limit.
    pub(super) fn watch(self, done: CancellationToken) -> CancellationToken {
        let exceeded = CancellationToken::new();
        let token = exceeded.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self.exceeded() => token.cancel(),
                () = done.cancelled() => {}
            }
        });
        exceeded
    }
}
