//! One tenant attacks a sidecar while another one uses it. In `make soak` this takes two minutes.

use cofferdam_tests::{
    attacks::{AttackPlan, run_attacks},
    soak::is_soak,
};
use std::time::Duration;

/// Memory limit of the sidecar in bytes.
const MEMORY_LIMIT: u64 = 512 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_tenant_does_not_affect_another_tenant() {
    let (requests, seconds) = if is_soak() { (200, 120) } else { (5, 5) };
    let besieged = run_attacks(AttackPlan { requests, time: Duration::from_secs(seconds), pool: 0 }).await;
    // `run_attacks` has checked that each request got its result and ran once.
    assert_eq!(besieged.under_attack.len(), besieged.without_attacks.len());
    assert!(besieged.kills.is_none_or(|kills| kills == 0), "{besieged:?}");
    assert!(besieged.peak <= MEMORY_LIMIT, "{besieged:?}");
}
