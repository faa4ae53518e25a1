//! Connections on which nothing is said.

use super::Attacker;
use std::{collections::VecDeque, time::Duration};
use tokio::time::sleep;

/// Connections that are held at once.
const HELD: usize = 2000;
/// Between two.
const PAUSE: Duration = Duration::from_millis(2);

/// Opens connections and says nothing, for as long as the sidecar bears it.
pub async fn idle_connections(attacker: Attacker) {
    let mut held = VecDeque::new();
    while attacker.goes_on() {
        if let Ok(stream) = attacker.send(&[]).await {
            held.push_back(stream);
        }
        if held.len() > HELD {
            held.pop_front();
        }
        sleep(PAUSE).await;
    }
}
