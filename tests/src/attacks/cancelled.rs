//! Executions that are cancelled before they start, which fill the sidecar's memory if it keeps all of them.

use super::Attacker;

/// Starts executions, each with an idempotency key, and cancels them at once.
pub async fn cancelled_executions(attacker: Attacker) {
    let mut number = 0_u64;
    while attacker.is_active() {
        number += 1;
        let headers = format!("Prefer: respond-async\r\nIdempotency-Key: {number}\r\n");
        if let Some(id) = attacker.execute("1", &headers).await {
            let _ = attacker.exchange(&format!("DELETE /v1/executions/{id}"), "", b"").await;
        }
    }
}
