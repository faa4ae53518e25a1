//! Executions that are cancelled before they start, each of which is remembered, or so one may hope.

use super::Attacker;

/// Begins executions with a key each, and cancels them at once.
pub async fn cancelled_executions(attacker: Attacker) {
    let mut number = 0_u64;
    while attacker.goes_on() {
        number += 1;
        let headers = format!("Prefer: respond-async\r\nIdempotency-Key: {number}\r\n");
        if let Some(id) = attacker.execute("1", &headers).await {
            let _ = attacker.answer(&format!("DELETE /v1/executions/{id}"), "", b"").await;
        }
    }
}
