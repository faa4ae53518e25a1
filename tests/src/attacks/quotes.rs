//! Outputs of which each byte is two in JSON, by executions that nobody waits for.

use super::Attacker;
use tokio::task::JoinSet;

/// Executions at once.
const AT_ONCE: usize = 2;
/// Prints as much as is kept by default, twice.
const QUOTES: &str = "import sys; [f.write(chr(34) * (1 << 20)) for f in (sys.stdout, sys.stderr) for _ in range(16)]";

/// Has programs print quotation marks to both outputs.
pub async fn quoted_outputs(attacker: Attacker) {
    let mut attacks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let attacker = attacker.clone();
        attacks.spawn(async move {
            while attacker.goes_on() {
                if let Some(id) = attacker.execute(QUOTES, "Prefer: respond-async\r\n").await {
                    // Until it is over.
                    let _ = attacker.answer(&format!("GET /v1/executions/{id}"), "Prefer: wait=60\r\n", b"").await;
                } else {
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        });
    }
    attacks.join_all().await;
}
