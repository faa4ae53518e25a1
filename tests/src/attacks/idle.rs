//! Idle connections.

use super::Attacker;
use std::{collections::VecDeque, time::Duration};
use tokio::time::sleep;

/// Connections that are open at once.
const MAX_OPEN: usize = 2000;
const CONNECT_INTERVAL: Duration = Duration::from_millis(2);

/// Opens connections and sends nothing until the sidecar closes them.
pub async fn idle_connections(attacker: Attacker) {
    let mut open = VecDeque::new();
    while attacker.is_active() {
        if let Ok(stream) = attacker.send(&[]).await {
            open.push_back(stream);
        }
        if open.len() > MAX_OPEN {
            open.pop_front();
        }
        sleep(CONNECT_INTERVAL).await;
    }
}
