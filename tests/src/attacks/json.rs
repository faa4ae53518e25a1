//! Bodies of which each byte becomes many in memory.

use super::Attacker;

/// Bytes of a body, below the bound of the sidecar.
const SIZE: usize = 31 << 20;

/// Sends arrays of numbers and of empty strings where one string belongs.
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
    while attacker.goes_on() {
        let (mcp, executions) = tokio::join!(
            attacker.answer("POST /mcp", accept, call.as_bytes()),
            attacker.answer("POST /v1/executions", "", execution.as_bytes()),
        );
        // Who is refused while it still sends hears of a reset at times.
        if mcp.is_err() && executions.is_err() {
            tokio::task::yield_now().await;
        }
    }
}
