//! A message before the library has it: read within bounds, and with its call understood. Pure.

use super::{
    arguments,
    envelope::{Envelope, Fault, ID, Kind, METHOD},
};
use cofferdam_types::shortened;
use cofferdam_types::{Error, Request};
use rmcp::model::{ClientJsonRpcMessage, ErrorCode};
use serde_json::{Map, Value, json};

/// The method that calls the tool.
const CALL: &str = "tools/call";
/// The method that begins a session over HTTP.
const INITIALIZE: &str = "initialize";

/// What a call asks for, or why it asks for nothing that could be run.
pub(super) type Call = Result<Request, Error>;

/// A message for the library.
#[derive(Debug)]
pub(super) struct Incoming {
    /// All of it but the arguments of a call.
    pub(super) envelope: Map<String, Value>,
    /// None where it is no call.
    pub(super) call: Option<Call>,
}

/// Why there is no message, for its sender.
#[derive(Debug)]
pub(super) struct Malformed {
    /// None where it is a notification, which is not answered, whatever is wrong with it.
    id: Option<Value>,
    pub(super) code: ErrorCode,
    message: String,
}

impl Incoming {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// What the protocol does not have, with the answer that it has to that.
    pub(super) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let envelope = Envelope::read(message).map_err(|error| {
            let text = format!("the message is not JSON: {}", shortened(&error.to_string()));
            Malformed::new(ErrorCode::PARSE_ERROR, text)
        })?;
        let id = envelope.members.get(ID).cloned();
        let waiting = if envelope.has_method { id.clone() } else { Some(id.clone().unwrap_or_default()) };
        let malformed = |code, message| Err(Malformed { id: waiting.clone(), code, message });
        match envelope.fault {
            None => {}
            Some(fault @ Fault::NoParams(_)) => return malformed(ErrorCode::INVALID_PARAMS, fault.to_string()),
            Some(fault) => return malformed(ErrorCode::INVALID_REQUEST, fault.to_string()),
        }
        if id == Some(Value::Null) && envelope.has_method {
            return malformed(ErrorCode::INVALID_REQUEST, "the id of a request is a string or a number".into());
        }
        let is_call = envelope.members.get(METHOD).and_then(Value::as_str) == Some(CALL);
        let call = match envelope.arguments {
            _ if !is_call => None,
            None | Some(Kind::Null | Kind::Object) => Some(arguments::read(message)),
            Some(kind) => {
                let text = format!(
                    "the arguments of {CALL} are {kind}: they have to be an object, such as {{\"code\": \"print(1)\"}}"
                );
                return malformed(ErrorCode::INVALID_PARAMS, text);
            }
        };
        Ok(Self { envelope: envelope.members, call })
    }

    /// Whether it begins a session where it is in none.
    pub(super) fn initializes(&self) -> bool {
        self.envelope.get(METHOD).and_then(Value::as_str) == Some(INITIALIZE)
    }

    /// What the library has of it.
    ///
    /// # Errors
    ///
    /// What is none of the messages that there are.
    pub(super) fn message(&self) -> Result<ClientJsonRpcMessage, Malformed> {
        serde_json::from_value(Value::Object(self.envelope.clone())).map_err(|_| {
            let id = self.envelope.get(ID).cloned();
            let id = if self.envelope.contains_key(METHOD) { id } else { Some(id.unwrap_or_default()) };
            let message = "the message is no request, response or notification of JSON-RPC 2.0".into();
            Malformed { id, code: ErrorCode::INVALID_REQUEST, message }
        })
    }
}

impl Malformed {
    /// Of a message that nothing is known of.
    pub(super) fn new(code: ErrorCode, message: String) -> Self {
        Self { id: Some(Value::Null), code, message }
    }

    /// The answer; none to a notification.
    pub(super) fn answer(&self) -> Option<Vec<u8>> {
        let id = self.id.as_ref()?;
        let error = json!({ "code": self.code.0, "message": self.message });
        Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string().into_bytes())
    }
}

/// What the library gets of a message, and the call in it.
#[cfg(any(test, fuzzing))]
type Passed = (Vec<u8>, Option<Call>);

/// What the library gets of a message, or the answer to one that is malformed and no notification.
#[cfg(any(test, fuzzing))]
pub(crate) fn read(message: &[u8]) -> Result<Passed, Option<Vec<u8>>> {
    let incoming = Incoming::read(message).map_err(|malformed| malformed.answer())?;
    Ok((serde_json::to_vec(&incoming.envelope).unwrap_or_default(), incoming.call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_by_the_protocols_codes() {
        let call = |arguments: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{{"name":"x","arguments":{arguments}}}}}"#
            )
        };
        for (message, code, id, part) in [
            ("nonsense".into(), -32700, Value::Null, "is not JSON"),
            ("[]".into(), -32600, Value::Null, "is an array"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.into(), -32600, Value::Null, "the id of a request"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#.into(), -32600, Value::Null, "the id of a request"),
            (r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":[]}"#.into(), -32602, json!(2), "params is an array"),
            (call(r#""{\"code\":\"1\"}""#), -32602, json!("a"), "are a string: they have to be an object"),
            (call(r#"[{"code":"1"}]"#), -32602, json!("a"), "are an array: they have to be an object"),
            (call("true"), -32602, json!("a"), "are a boolean"),
        ] {
            let malformed = Incoming::read(message.as_bytes()).expect_err("malformed");
            let answer: Value = serde_json::from_slice(&malformed.answer().expect("an answer")).expect("JSON");
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{message}: {answer}");
            assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains(part)), "{message}: {answer}");
        }
    }

    #[test]
    fn what_is_no_message_of_the_protocol_is_told_so_with_its_id() {
        for (message, id) in [
            (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":5}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":5,"method":5}"#, json!(5)),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, json!(1.5)),
            (r#"{"jsonrpc":"2.0","id":1e29,"method":"ping"}"#, json!(1e29)),
            ("{}", Value::Null),
        ] {
            let malformed = Incoming::read(message.as_bytes()).expect("JSON").message().expect_err(message);
            let answer: Value = serde_json::from_slice(&malformed.answer().expect("an answer")).expect("JSON");
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &id), "{message}: {answer}");
        }
    }

    #[test]
    fn no_notification_is_answered() {
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
            let malformed = Incoming::read(message.as_bytes()).and_then(|incoming| incoming.message().map(drop));
            let answer = malformed.expect_err("malformed").answer();
            assert!(answer.is_none(), "{message:.100}: {}", String::from_utf8_lossy(&answer.unwrap_or_default()));
        }
    }

    #[test]
    fn a_call_is_understood_whatever_stands_around_it() {
        for (message, code) in [
            (r#"{"params":{"arguments":{"code":"1"}},"method":"tools\u002fcall","id":1}"#, Some(Ok("1"))),
            (r#"{"method":"tools/call","id":1,"params":{"arguments":null}}"#, Some(Err("code is missing"))),
            (r#"{"method":"tools/call","id":1}"#, Some(Err("code is missing"))),
            (r#"{"method":"prompts/get","id":1,"params":{"arguments":[1]}}"#, None),
        ] {
            let call = Incoming::read(message.as_bytes()).expect("a message").call;
            match (call, code) {
                (Some(Ok(request)), Some(Ok(code))) => assert_eq!(request.code, code, "{message}"),
                (Some(Err(error)), Some(Err(part))) => assert!(error.message.contains(part), "{message}: {error:?}"),
                (None, None) => {}
                (call, _) => panic!("{message}: {call:?}"),
            }
        }
        let message = r#"{"method":"initi\u0061lize","id":1}"#;
        assert!(Incoming::read(message.as_bytes()).is_ok_and(|message| message.initializes()));
    }
}
