//! Outcomes of 16 MiB, which fill the sidecar's memory if it keeps all of them.

use super::{Attacker, LARGE};
use tokio::task::JoinSet;

/// Concurrent executions.
const AT_ONCE: usize = 2;

/// Executes programs that print as much as allowed, and reads their output.
pub async fn large_outcomes(attacker: Attacker) {
    let mut attacks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let attacker = attacker.clone();
        attacks.spawn(async move {
            while attacker.is_active() {
                attacker.execute(LARGE, "").await;
            }
        });
    }
    attacks.join_all().await;
}
