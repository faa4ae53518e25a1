//! The outer limit on memory where there is no cgroup: it reads the memory of the sandbox's processes. The runner's limit inside
//! does not count what gVisor itself holds for the program, such as full pipes.

use crate::{cgroup::outer_memory, process::Process};
use cofferdam_core::spec::SandboxLimits;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two measurements. Each reads a line for each process of the machine.
const INTERVAL: Duration = Duration::from_millis(200);

/// Monitors one sandbox.
#[derive(Debug)]
pub(super) struct MemoryMonitor {
    limit: u64,
    launcher: Process,
}

impl MemoryMonitor {
    /// The limit that a cgroup would have, for this process and its descendants.
    pub(super) fn new(limits: &SandboxLimits, launcher: Process) -> Self {
        Self { limit: outer_memory(limits), launcher }
    }

    /// Waits until the sandbox exceeds the limit.
    async fn exceeded(&self) {
        loop {
            sleep(INTERVAL).await;
            let launcher = self.launcher;
            let held = tokio::task::spawn_blocking(move || launcher.held_memory()).await;
            if held.is_ok_and(|held| held.is_ok_and(|held| held > self.limit)) {
                return;
            }
        }
    }

    /// Monitors in the background until `done`; the token that it gives is set when the sandbox exceeds the limit.
    pub(super) fn watch(self, done: CancellationToken) -> CancellationToken {
        let exceeded = CancellationToken::new();
        let set = exceeded.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self.exceeded() => set.cancel(),
                () = done.cancelled() => {}
            }
        });
        exceeded
    }
}
