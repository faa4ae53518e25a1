//! The outer bound on memory where there is no cgroup: what the sandbox's processes hold, looked at from outside. The
//! runner's bound inside does not see what gVisor itself holds for the program, such as full pipes.

use super::{cgroup::outer_memory, process::Process};
use cofferdam_core::policy::Limits;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two looks. Each reads a line for each process of the machine.
const LOOK: Duration = Duration::from_millis(200);

/// Looks at one sandbox.
#[derive(Debug)]
pub(super) struct OuterBound {
    bytes: u64,
    launcher: Process,
}

impl OuterBound {
    /// The bound that a cgroup would have, for this process and its descendants.
    pub(super) fn new(limits: &Limits, launcher: Process) -> Self {
        Self { bytes: outer_memory(limits), launcher }
    }

    /// Looks until the sandbox holds more.
    async fn passed(&self) {
        loop {
            sleep(LOOK).await;
            let launcher = self.launcher;
            let held = tokio::task::spawn_blocking(move || launcher.held_memory()).await;
            if held.is_ok_and(|held| held.is_ok_and(|held| held > self.bytes)) {
                return;
            }
        }
    }

    /// Looks beside whatever else goes on, until `done`; sets what it gives once the sandbox holds more.
    pub(super) fn watch(self, done: CancellationToken) -> CancellationToken {
        let passed = CancellationToken::new();
        let set = passed.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self.passed() => set.cancel(),
                () = done.cancelled() => {}
            }
        });
        passed
    }
}
