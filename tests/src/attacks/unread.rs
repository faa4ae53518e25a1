//! Answers that nobody reads, or a byte at a time.

use super::{Attacker, LARGE};
use std::time::Duration;
use tokio::{io::AsyncReadExt, task::JoinSet, time::sleep};

/// Readers of one outcome.
const READERS: usize = 40;
/// Between two bytes of one that reads at all.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks for one large outcome many times, and reads none of the answers.
pub async fn unread_answers(attacker: Attacker) {
    while attacker.goes_on() {
        let Some(id) = attacker.execute(LARGE, "Prefer: respond-async\r\n").await else {
            sleep(PAUSE).await;
            continue;
        };
        let get = format!("GET /v1/executions/{id}");
        // Until it is over.
        let _ = attacker.answer(&get, "Prefer: wait=60\r\n", b"").await;
        let mut readers = JoinSet::new();
        for number in 0..READERS {
            let (attacker, get) = (attacker.clone(), get.clone());
            readers.spawn(async move {
                let Ok(mut stream) = attacker.request(&get, "", b"").await else { return };
                let reads = async {
                    let mut byte = [0];
                    while number % 2 == 0 && stream.read_exact(&mut byte).await.is_ok() {
                        sleep(PAUSE).await;
                    }
                };
                let _ = tokio::time::timeout_at(attacker.until, reads).await;
                attacker.wait().await;
            });
        }
        readers.join_all().await;
    }
}
