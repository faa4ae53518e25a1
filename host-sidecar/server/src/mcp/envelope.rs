//! A message of JSON-RPC without the arguments of its call: as much as the library reads of it, within bounds. Pure.

use super::reader::{Place, Reader};
use cofferdam_types::quoted;
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};
use std::fmt;

/// Bytes that all of it may have. No client says more in a message than what it asks a tool to do.
pub(super) const ROOM: usize = 64 << 10;
/// What a value costs beside its text.
const VALUE: usize = 16;
/// How deep values may be nested.
pub(super) const DEPTH: usize = 32;

/// The member that an answer carries too.
pub(super) const ID: &str = "id";
/// The member that says what is asked for.
pub(super) const METHOD: &str = "method";
/// The member with what is asked for, and in it the one that the tool reads.
pub(super) const PARAMS: &str = "params";
pub(super) const ARGUMENTS: &str = "arguments";

/// What has been read.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// All members. Arguments are an empty object.
    pub(super) members: Map<String, Value>,
    /// What the arguments are.
    pub(super) arguments: Option<Kind>,
    /// The first thing that is wrong. From there on nothing is kept but the members that had begun.
    pub(super) fault: Option<Fault>,
    /// Whether it has a method, be it kept or not.
    pub(super) has_method: bool,
    used: usize,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// What is wrong with a message that is JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the message is {0}: it has to be an object; send each message of a batch by itself")]
    NoObject(Kind),
    #[error("params is {0}: it has to be an object")]
    NoParams(Kind),
    #[error("the member {} is given twice", quoted(.0))]
    Twice(String),
    #[error("the message has more than {ROOM} bytes beside the arguments of a call")]
    TooLarge,
    #[error("the message is nested deeper than {DEPTH} levels")]
    TooDeep,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

impl Envelope {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is not JSON.
    pub(super) fn read(message: &[u8]) -> Result<Self, serde_json::Error> {
        let mut envelope = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(message);
        let value = Reader { envelope: &mut envelope, place: Place::Message }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        if let Value::Object(mut members) = value {
            // Null is as good as nothing, but for an id and a result.
            if let Some(Value::Object(params)) = members.get_mut(PARAMS) {
                params.retain(|_, value| !value.is_null());
            }
            members.retain(|name, value| name != PARAMS || !value.is_null());
            envelope.members = members;
        }
        Ok(envelope)
    }

    /// Notes what is wrong, unless something was before.
    pub(super) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Makes room for a value with so many bytes of text.
    pub(super) fn has_room(&mut self, text: usize) -> bool {
        self.used = self.used.saturating_add(VALUE + text);
        if self.used > ROOM {
            self.note(Fault::TooLarge);
        }
        self.fault.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(message: &str) -> Envelope {
        Envelope::read(message.as_bytes()).expect("JSON")
    }

    #[test]
    fn all_is_kept_but_the_arguments_and_what_is_null() {
        let message = json!({
            "jsonrpc": "2.0",
            "id": "a",
            "method": "tools/call",
            "params": {
                "name": "x",
                "arguments": { "code": [[1]] },
                "_meta": { "progressToken": 1.5, "l": [true, -1, null] },
                "cursor": null,
            },
        });
        let envelope = read(&message.to_string());
        let mut expected = message;
        expected["params"] =
            json!({ "name": "x", "arguments": {}, "_meta": { "progressToken": 1.5, "l": [true, -1, null] } });
        assert_eq!(Value::Object(envelope.members), expected);
        assert_eq!((envelope.arguments, envelope.fault), (Some(Kind::Object), None));
        assert_eq!(
            Value::Object(read(r#"{"id":1,"params":null,"result":null}"#).members),
            json!({ "id": 1, "result": null })
        );
    }

    #[test]
    fn what_is_wrong_is_found_and_the_id_too() {
        let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let wide = format!("[{}0]", "0,".repeat(1 << 20));
        let long = "x".repeat(ROOM);
        for (message, fault) in [
            (r#"{"params":{"_meta":1,"_meta":2},"id":7}"#.into(), Fault::Twice("_meta".into())),
            (r#"{"params":null,"params":{},"id":7}"#.into(), Fault::Twice("params".into())),
            (r#"{"params":{"arguments":{},"arguments":{}},"id":7}"#.into(), Fault::Twice("arguments".into())),
            (r#"{"params":[1],"id":7}"#.into(), Fault::NoParams(Kind::Array)),
            (r#"{"params":"a","id":7}"#.into(), Fault::NoParams(Kind::String)),
            (format!(r#"{{"params":{{"_meta":{nested}}},"id":7}}"#), Fault::TooDeep),
            (format!(r#"{{"params":{{"_meta":{wide}}},"id":7}}"#), Fault::TooLarge),
            (format!(r#"{{"x":{wide},"id":7}}"#), Fault::TooLarge),
            (format!(r#"{{"x":"{long}","id":7}}"#), Fault::TooLarge),
            (format!(r#"{{"{long}":"","id":7}}"#), Fault::TooLarge),
            (format!(r#"{{"{long}{long}":[{{}}],"id":7}}"#), Fault::TooLarge),
        ] {
            let envelope = read(&message);
            assert_eq!((envelope.fault, envelope.members.get(ID)), (Some(fault), Some(&json!(7))), "{message:.100}");
        }
        for (message, kind) in
            [("[{}]", Kind::Array), ("1", Kind::Number), ("null", Kind::Null), ("\"a\"", Kind::String)]
        {
            assert_eq!(read(message).fault, Some(Fault::NoObject(kind)), "{message}");
        }
    }

    #[test]
    fn arguments_are_looked_at_and_not_kept() {
        let nested = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        for (arguments, kind) in [
            (format!(r#"{{"code":{nested}}}"#), Kind::Object),
            (nested, Kind::Array),
            (r#""{}""#.into(), Kind::String),
            ("null".into(), Kind::Null),
            ("1".into(), Kind::Number),
        ] {
            let envelope = read(&format!(r#"{{"params":{{"arguments":{arguments}}}}}"#));
            assert_eq!((envelope.arguments, envelope.fault), (Some(kind), None));
            assert_eq!(Value::Object(envelope.members), json!({ "params": { "arguments": {} } }));
        }
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for message in ["", "nonsense", "{", r#"{"a":1}}"#, r#"{"a":"\u00"}"#, "{\"a\":\"\u{1}\"}", "[1,"] {
            assert!(Envelope::read(message.as_bytes()).is_err(), "{message}");
        }
        assert!(Envelope::read(b"{\"a\":\"\xff\"}").is_err());
    }
}
