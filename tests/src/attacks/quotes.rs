//! Output of which each byte becomes two in JSON, by executions that are not awaited.

use super::Attacker;
use tokio::task::JoinSet;

/// Concurrent executions.
const AT_ONCE: usize = 2;
/// Prints as much as is kept by default to each of both streams.
const QUOTES: &str =
    "import sys; [f.write(chr(34) * (1 << 20)) for f in (sys.stdout, sys.stderr) for _ in range(16)]";

/// Executes programs that print quotation marks to both streams.
pub async fn quoted_outputs(attacker: Attacker) {
    let mut attacks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let attacker = attacker.clone();
        attacks.spawn(async move {
            while attacker.is_active() {
                if let Some(id) = attacker.execute(QUOTES, "Prefer: respond-async\r\n").await {
                    // Wait until the execution has ended.
                    let _ = attacker
                        .exchange(&format!("GET /v1/executions/{id}"), "Prefer: wait=60\r\n", b"")
                        .await;
                } else {
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        });
    }
    attacks.join_all().await;
}
