//! Outcomes of 16 MiB, one after the other: each is kept, or so one may hope.

use super::{Attacker, LARGE};
use tokio::task::JoinSet;

/// Programs at once.
const AT_ONCE: usize = 2;

/// Has programs print as much as they may, and reads what they print.
pub async fn large_outcomes(attacker: Attacker) {
    let mut attacks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let attacker = attacker.clone();
        attacks.spawn(async move {
            while attacker.goes_on() {
                attacker.execute(LARGE, "").await;
            }
        });
    }
    attacks.join_all().await;
}
