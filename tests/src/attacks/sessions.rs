//! MCP sessions that are never used.

use super::Attacker;

const MAX_SESSIONS: usize = 5000;
/// The method's name has an escape, so that only a JSON parser recognises it.
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initi\u0061lize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#;

/// Opens sessions with requests that a sidecar could fail to count: an escaped method and an invalid session
/// id.
pub async fn unlimited_sessions(attacker: Attacker) {
    let accept = "Accept: application/json, text/event-stream\r\n";
    let unprintable = format!("{accept}Mcp-Session-Id: \u{ff}\r\n");
    for number in 0..MAX_SESSIONS {
        if !attacker.is_active() {
            return;
        }
        let headers = if number % 2 == 0 { accept } else { &unprintable };
        let _ = attacker.exchange("POST /mcp", headers, INITIALIZE.as_bytes()).await;
    }
    attacker.wait().await;
}
