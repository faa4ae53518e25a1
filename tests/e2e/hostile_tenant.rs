//! One tenant that attacks, and another one that works. `make soak` has it go on for two minutes.

use cofferdam_tests::{
    attacks::{Plan, besiege},
    soak::is_soak,
};
use std::time::Duration;

/// Bytes that the sidecar may have.
const MEMORY: u64 = 512 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_tenant_does_not_affect_another_tenant() {
    let (requests, seconds) = if is_soak() { (200, 120) } else { (5, 5) };
    let besieged = besiege(Plan { requests, time: Duration::from_secs(seconds), pool: 0 }).await;
    // That each request ended right, and ran once, has been looked at.
    assert_eq!(besieged.attacked.len(), besieged.honest.len());
    assert!(besieged.kills.is_none_or(|kills| kills == 0), "{besieged:?}");
    assert!(besieged.peak <= MEMORY, "{besieged:?}");
}
