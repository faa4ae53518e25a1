//! Sessions of MCP that nobody uses.

use super::Attacker;

/// Sessions that are begun.
const MOST: usize = 5000;
/// As a JSON parser reads it, and not as somebody does who compares bytes.
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initi\u0061lize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#;

/// Begins sessions, in the two ways that are easily not counted.
pub async fn sessions_without_number(attacker: Attacker) {
    let accept = "Accept: application/json, text/event-stream\r\n";
    let unprintable = format!("{accept}Mcp-Session-Id: \u{ff}\r\n");
    for number in 0..MOST {
        if !attacker.goes_on() {
            return;
        }
        let headers = if number % 2 == 0 { accept } else { &unprintable };
        let _ = attacker.answer("POST /mcp", headers, INITIALIZE.as_bytes()).await;
    }
    attacker.wait().await;
}
