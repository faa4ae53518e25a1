//! JSON bodies that take many times their size in memory.

use super::Attacker;

/// Bytes of a body, below the sidecar's limit.
const SIZE: usize = 31 << 20;

/// Sends arrays of numbers and of empty strings instead of a string.
pub async fn many_json_values(attacker: Attacker) {
    let numbers = "0,".repeat(SIZE / 2);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"execute_code","arguments":{{"code":[{numbers}0]}}}}}}"#
    );
    drop(numbers);
    let strings = r#""","#.repeat(SIZE / 3);
    let execution = format!(r#"{{"code":"1","args":[{strings}""]}}"#);
    drop(strings);
    let accept = "Accept: application/json, text/event-stream\r\n";
    while attacker.is_active() {
        let (mcp, executions) = tokio::join!(
            attacker.exchange("POST /mcp", accept, call.as_bytes()),
            attacker.exchange("POST /v1/executions", "", execution.as_bytes()),
        );
        // A client that is refused while it sends may get a connection reset.
        if mcp.is_err() && executions.is_err() {
            tokio::task::yield_now().await;
        }
    }
}
