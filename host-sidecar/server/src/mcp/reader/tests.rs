use super::*;
use serde_json::json;

fn read(message: &str) -> Envelope {
    read_envelope(message.as_bytes()).expect("JSON")
}

#[test]
fn everything_is_kept_except_the_arguments_and_nulls() {
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
    assert_eq!((envelope.arguments, envelope.error), (Some(JsonType::Object), None));
    assert_eq!(
        Value::Object(read(r#"{"id":1,"params":null,"result":null}"#).members),
        json!({ "id": 1, "result": null })
    );
}

#[test]
fn errors_are_recorded_and_the_id_is_kept() {
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let wide = format!("[{}0]", "0,".repeat(1 << 20));
    let long = "x".repeat(MAX_ENVELOPE);
    for (message, error) in [
        (r#"{"params":{"_meta":1,"_meta":2},"id":7}"#.into(), EnvelopeError::DuplicateMember("_meta".into())),
        (r#"{"params":null,"params":{},"id":7}"#.into(), EnvelopeError::DuplicateMember("params".into())),
        (
            r#"{"params":{"arguments":{},"arguments":{}},"id":7}"#.into(),
            EnvelopeError::DuplicateMember("arguments".into()),
        ),
        (r#"{"params":[1],"id":7}"#.into(), EnvelopeError::ParamsNotAnObject(JsonType::Array)),
        (r#"{"params":"a","id":7}"#.into(), EnvelopeError::ParamsNotAnObject(JsonType::String)),
        (format!(r#"{{"params":{{"_meta":{nested}}},"id":7}}"#), EnvelopeError::TooDeep),
        (format!(r#"{{"params":{{"_meta":{wide}}},"id":7}}"#), EnvelopeError::TooLarge),
        (format!(r#"{{"x":{wide},"id":7}}"#), EnvelopeError::TooLarge),
        (format!(r#"{{"x":"{long}","id":7}}"#), EnvelopeError::TooLarge),
        (format!(r#"{{"{long}":"","id":7}}"#), EnvelopeError::TooLarge),
        (format!(r#"{{"{long}{long}":[{{}}],"id":7}}"#), EnvelopeError::TooLarge),
    ] {
        let envelope = read(&message);
        assert_eq!(
            (envelope.error, envelope.members.get(ID)),
            (Some(error), Some(&json!(7))),
            "{message:.100}"
        );
    }
    for (message, expected_type) in [
        ("[{}]", JsonType::Array),
        ("1", JsonType::Number),
        ("null", JsonType::Null),
        ("\"a\"", JsonType::String),
    ] {
        assert_eq!(read(message).error, Some(EnvelopeError::NotAnObject(expected_type)), "{message}");
    }
}

#[test]
fn only_the_type_of_the_arguments_is_kept() {
    let nested = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    for (arguments, expected_type) in [
        (format!(r#"{{"code":{nested}}}"#), JsonType::Object),
        (nested, JsonType::Array),
        (r#""{}""#.into(), JsonType::String),
        ("null".into(), JsonType::Null),
        ("1".into(), JsonType::Number),
    ] {
        let envelope = read(&format!(r#"{{"params":{{"arguments":{arguments}}}}}"#));
        assert_eq!((envelope.arguments, envelope.error), (Some(expected_type), None));
        assert_eq!(Value::Object(envelope.members), json!({ "params": { "arguments": {} } }));
    }
}

#[test]
fn invalid_json_is_an_error() {
    for message in ["", "nonsense", "{", r#"{"a":1}}"#, r#"{"a":"\u00"}"#, "{\"a\":\"\u{1}\"}", "[1,"] {
        assert!(read_envelope(message.as_bytes()).is_err(), "{message}");
    }
    assert!(read_envelope(b"{\"a\":\"\xff\"}").is_err());
}
