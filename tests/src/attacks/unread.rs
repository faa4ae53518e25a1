//! Responses that are not read, or one byte at a time.

use super::{Attacker, LARGE};
use std::time::Duration;
use tokio::{io::AsyncReadExt, task::JoinSet, time::sleep};

/// Readers of one outcome.
const READERS: usize = 40;
/// Between two bytes that a slow reader reads.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Requests one large outcome many times and reads the responses slowly or not at all.
pub async fn unread_responses(attacker: Attacker) {
    while attacker.is_active() {
        let Some(id) = attacker.execute(LARGE, "Prefer: respond-async\r\n").await else {
            sleep(READ_INTERVAL).await;
            continue;
        };
        let get = format!("GET /v1/executions/{id}");
        // Wait until the execution has ended.
        let _ = attacker.exchange(&get, "Prefer: wait=60\r\n", b"").await;
        let mut readers = JoinSet::new();
        for number in 0..READERS {
            let (attacker, get) = (attacker.clone(), get.clone());
            readers.spawn(async move {
                let Ok(mut stream) = attacker.request(&get, "", b"").await else { return };
                let reads = async {
                    let mut byte = [0];
                    while number % 2 == 0 && stream.read_exact(&mut byte).await.is_ok() {
                        sleep(READ_INTERVAL).await;
                    }
                };
                let _ = tokio::time::timeout_at(attacker.until, reads).await;
                attacker.wait().await;
            });
        }
        readers.join_all().await;
    }
}
