//! Reads a message within bounds, and parses its call, before the library parses the message. Pure.

use super::{
    envelope::{EnvelopeError, ID, JsonType, METHOD, PARAMS},
    reader::read_envelope,
    tool_call::{self, ToolCall},
};
use cofferdam_types::{Error, shortened};
use rmcp::model::{ClientJsonRpcMessage, ErrorCode};
use serde_json::{Map, Value, json};

/// The method that calls a tool.
const CALL: &str = "tools/call";
/// The member of its params with the tool's name.
const NAME: &str = "name";
/// The method that creates a session over HTTP.
const INITIALIZE: &str = "initialize";

/// A message for the library.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The message without the arguments of a call.
    pub(super) envelope: Map<String, Value>,
    /// What a call of a known tool asks for, or why its arguments are not valid.
    pub(super) call: Option<Result<ToolCall, Error>>,
}

/// Why a message is not valid, for its sender.
#[derive(Debug)]
pub(super) struct Malformed {
    /// `None` for a notification, which has no response.
    id: Option<Value>,
    pub(super) code: ErrorCode,
    message: String,
}

impl Incoming {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// A violation of the protocol.
    pub(super) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let envelope = read_envelope(message).map_err(|error| {
            let text = format!("the message is not JSON: {}", shortened(&error.to_string()));
            Malformed::new(ErrorCode::PARSE_ERROR, text)
        })?;
        let id = response_id(&envelope.members, envelope.has_method);
        let malformed = |code, message| Err(Malformed { id: id.clone(), code, message });
        match envelope.error {
            None => {}
            Some(error @ EnvelopeError::ParamsNotAnObject(_)) => {
                return malformed(ErrorCode::INVALID_PARAMS, error.to_string());
            }
            Some(error) => return malformed(ErrorCode::INVALID_REQUEST, error.to_string()),
        }
        if id == Some(Value::Null) && envelope.has_method {
            return malformed(
                ErrorCode::INVALID_REQUEST,
                "the id of a request must be a string or a number".into(),
            );
        }
        let is_call = envelope.members.get(METHOD).and_then(Value::as_str) == Some(CALL);
        let call = match envelope.arguments {
            _ if !is_call => None,
            None | Some(JsonType::Null | JsonType::Object) => {
                let tool = envelope.members.get(PARAMS).and_then(|params| params.get(NAME)?.as_str());
                tool_call::read(tool.unwrap_or_default(), message)
            }
            Some(json_type) => {
                let text = format!(
                    "the arguments of {CALL} are {json_type} and must be an object, such as {{\"code\": \"print(1)\"}}"
                );
                return malformed(ErrorCode::INVALID_PARAMS, text);
            }
        };
        Ok(Self { envelope: envelope.members, call })
    }

    /// Whether the message creates a session.
    pub(super) fn initializes(&self) -> bool {
        self.envelope.get(METHOD).and_then(Value::as_str) == Some(INITIALIZE)
    }

    /// The message as the library parses it.
    ///
    /// # Errors
    ///
    /// The envelope is not a JSON-RPC message.
    pub(super) fn parse(&self) -> Result<ClientJsonRpcMessage, Malformed> {
        serde_json::from_value(Value::Object(self.envelope.clone())).map_err(|_| Malformed {
            id: response_id(&self.envelope, self.envelope.contains_key(METHOD)),
            code: ErrorCode::INVALID_REQUEST,
            message: "the message is not a request, a response or a notification of JSON-RPC 2.0".into(),
        })
    }
}

/// The id of the response to a malformed message: the message's id, else null. A notification has a method
/// and no id, and no response.
fn response_id(members: &Map<String, Value>, has_method: bool) -> Option<Value> {
    let id = members.get(ID).cloned();
    if has_method { id } else { Some(id.unwrap_or_default()) }
}

impl Malformed {
    /// A message whose id is not known.
    pub(super) fn new(code: ErrorCode, message: String) -> Self {
        Self { id: Some(Value::Null), code, message }
    }

    /// The response; `None` for a notification.
    pub(super) fn response(&self) -> Option<Vec<u8>> {
        let id = self.id.as_ref()?;
        let error = json!({ "code": self.code.0, "message": self.message });
        Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string().into_bytes())
    }
}

/// The message that the library parses, and the request of its call, if that executes a program in a new sandbox.
#[cfg(any(test, fuzzing))]
type ReadMessage = (Vec<u8>, Result<Option<cofferdam_types::Request>, Error>);

/// Reads a message. The error is the response to a malformed message, which a notification does not have.
#[cfg(any(test, fuzzing))]
pub(crate) fn read(message: &[u8]) -> Result<ReadMessage, Option<Vec<u8>>> {
    let incoming = Incoming::read(message).map_err(|malformed| malformed.response())?;
    let request = incoming.call.transpose().map(|call| match call {
        Some(ToolCall::Execute(call)) => Some(call.request),
        Some(ToolCall::Session(_)) | None => None,
    });
    Ok((serde_json::to_vec(&incoming.envelope).unwrap_or_default(), request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_violations_have_the_codes_of_the_protocol() {
        let call = |arguments: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{{"name":"x","arguments":{arguments}}}}}"#
            )
        };
        for (message, code, id, part) in [
            ("nonsense".into(), -32700, Value::Null, "is not JSON"),
            ("[]".into(), -32600, Value::Null, "is an array"),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.into(),
                -32600,
                Value::Null,
                "the id of a request",
            ),
            (
                r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#.into(),
                -32600,
                Value::Null,
                "the id of a request",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":[]}"#.into(),
                -32602,
                json!(2),
                "params is an array",
            ),
            (call(r#""{\"code\":\"1\"}""#), -32602, json!("a"), "are a string and must be an object"),
            (call(r#"[{"code":"1"}]"#), -32602, json!("a"), "are an array and must be an object"),
            (call("true"), -32602, json!("a"), "are a boolean"),
        ] {
            let malformed = Incoming::read(message.as_bytes()).expect_err("malformed");
            let response: Value =
                serde_json::from_slice(&malformed.response().expect("a response")).expect("JSON");
            assert_eq!(
                (&response["error"]["code"], &response["id"]),
                (&json!(code), &id),
                "{message}: {response}"
            );
            assert!(
                response["error"]["message"].as_str().is_some_and(|text| text.contains(part)),
                "{message}: {response}"
            );
        }
    }

    #[test]
    fn invalid_requests_are_rejected_with_their_id() {
        for (message, id) in [
            (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":5}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":5,"method":5}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, json!(1.5)),
            (r#"{"jsonrpc":"2.0","id":1e29,"method":"ping"}"#, json!(1e29)),
            ("{}", Value::Null),
        ] {
            let malformed = Incoming::read(message.as_bytes()).expect("JSON").parse().expect_err(message);
            let response: Value =
                serde_json::from_slice(&malformed.response().expect("a response")).expect("JSON");
            assert_eq!(
                (&response["error"]["code"], &response["id"]),
                (&json!(-32600), &id),
                "{message}: {response}"
            );
        }
    }

    #[test]
    fn notifications_have_no_response() {
        let long = "x".repeat(1 << 20);
        for message in [
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":[1]}"#,
            r#"{"params":[1],"method":"notifications/x","jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x","arguments":[1]}}"#,
            r#"{"jsonrpc":"2.0","method":"x","method":"x"}"#,
            r#"{"jsonrpc":"1.0","method":"x"}"#,
            r#"{"jsonrpc":"2.0","method":5}"#,
            &format!(r#"{{"x":"{long}","method":"x"}}"#),
            &format!(r#"{{"{long}":1,"method":"{long}"}}"#),
        ] {
            let malformed =
                Incoming::read(message.as_bytes()).and_then(|incoming| incoming.parse().map(drop));
            let response = malformed.expect_err("malformed").response();
            assert!(
                response.is_none(),
                "{message:.100}: {}",
                String::from_utf8_lossy(&response.unwrap_or_default())
            );
        }
    }

    #[test]
    fn a_call_is_read_whatever_the_order_of_its_members() {
        for (message, code) in [
            (
                r#"{"params":{"arguments":{"code":"1"},"name":"execute_code"},"method":"tools\u002fcall","id":1}"#,
                Some(Ok("1")),
            ),
            (
                r#"{"method":"tools/call","id":1,"params":{"name":"execute\u005fcode","arguments":null}}"#,
                Some(Err("code is missing")),
            ),
            (
                r#"{"method":"tools/call","id":1,"params":{"name":"execute_code"}}"#,
                Some(Err("code is missing")),
            ),
            (
                r#"{"method":"tools/call","id":1,"params":{"arguments":{"code":"1"},"name":"read_file"}}"#,
                Some(Err("unknown argument `code`; the arguments are: session, path")),
            ),
            (r#"{"method":"tools/call","id":1,"params":{"name":"rm"}}"#, None),
            (r#"{"method":"tools/call","id":1}"#, None),
            (r#"{"method":"prompts/get","id":1,"params":{"arguments":[1]}}"#, None),
        ] {
            let call = Incoming::read(message.as_bytes()).expect("a message").call;
            match (call, code) {
                (Some(Ok(ToolCall::Execute(call))), Some(Ok(code))) => {
                    assert_eq!(call.request.code, code, "{message}");
                }
                (Some(Err(error)), Some(Err(part))) => {
                    assert!(error.message.contains(part), "{message}: {error:?}")
                }
                (None, None) => {}
                (call, _) => panic!("{message}: {call:?}"),
            }
        }
        let message = r#"{"method":"initi\u0061lize","id":1}"#;
        assert!(Incoming::read(message.as_bytes()).is_ok_and(|message| message.initializes()));
    }
}
