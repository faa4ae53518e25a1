//! Bytes in JSON: a string if they are UTF-8, else base64. The JSON is at most about twice as long as the
//! bytes.

use crate::{
    base64_text::{BoundedBase64, StreamedBase64},
    bounded::too_large,
    object::MemberName,
};
#[cfg(feature = "openapi")]
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    ser::SerializeStruct,
};

/// Bytes, written as a string if they are UTF-8 with few control characters, else as `{"base64": "…"}`. Both
/// forms are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// Bytes: a string if they are UTF-8, else base64.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = Bytes)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum BytesSchema {
    /// UTF-8 text.
    Text(String),
    /// Any bytes.
    Base64(Base64),
}

/// Bytes as base64.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base64 {
    /// Responses use the standard alphabet with padding. Requests may also use the URL-safe alphabet, white
    /// space, and no padding.
    base64: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) if escaped_length(text) <= 2 * text.len() => serializer.serialize_str(text),
            _ => {
                let mut object = serializer.serialize_struct("Base64", 1)?;
                object.serialize_field("base64", &StreamedBase64(&self.0))?;
                object.end()
            }
        }
    }
}

/// Number of bytes of a text in JSON, where `\u0000` takes six bytes for one.
fn escaped_length(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BoundedBytes { max: usize::MAX }.deserialize(deserializer)
    }
}

/// [`Bytes`] with a maximum number.
#[derive(Debug, Clone, Copy)]
pub struct BoundedBytes {
    /// Maximum number of bytes.
    pub max: usize,
}

impl<'de> DeserializeSeed<'de> for BoundedBytes {
    type Value = Bytes;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedBytes {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with the one member `base64`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
        if text.len() > self.max { Err(too_large(self.max, "bytes")) } else { Ok(Bytes(text.into())) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        let mut bytes = None;
        while let Some(name) = map.next_key_seed(MemberName(&["base64"]))? {
            let name = name.map_err(|unknown| A::Error::unknown_field(&unknown, &["base64"]))?;
            let decoded = map.next_value_seed(BoundedBase64 { max: self.max })?;
            let decoded = decoded.map_err(|wrong| A::Error::custom(format_args!("`base64` {wrong}")))?;
            if bytes.replace(decoded).is_some() {
                return Err(A::Error::duplicate_field(name));
            }
        }
        bytes.map(Bytes).ok_or_else(|| A::Error::missing_field("base64"))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Bytes {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <BytesSchema as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Bytes {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <BytesSchema as utoipa::ToSchema>::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    #[test]
    fn bytes_survive_a_round_trip() {
        for bytes in [b"".as_slice(), "grün\n\0".as_bytes(), b"\xff\0", &[0x80; 1000]] {
            let bytes = Bytes(bytes.to_vec());
            let written = serde_json::to_string(&bytes).expect("JSON");
            assert_eq!(serde_json::from_str::<Bytes>(&written).expect("bytes"), bytes, "{written}");
        }
    }

    #[test]
    fn json_is_at_most_twice_as_long_as_the_bytes() {
        for bytes in
            ["\n\"\\\t\r\u{8}\u{c}".repeat(9), "\0".repeat(99), "\u{1b}[1m".repeat(99), "a".repeat(99)]
        {
            let written = serde_json::to_string(&Bytes(bytes.clone().into_bytes())).expect("JSON");
            assert!(written.len() <= 2 * bytes.len() + 2, "{written}");
        }
        assert_eq!(
            serde_json::to_string(&Bytes(b"1\n\x1b[1m2\x1b[0m\n".to_vec())).expect("JSON"),
            r#""1\n\u001b[1m2\u001b[0m\n""#
        );
    }

    #[test]
    fn a_string_or_base64_is_accepted_and_nothing_else() {
        let read = |json: &str| serde_json::from_str::<Bytes>(json).ok().map(|bytes| bytes.0);
        assert_eq!(read("{\"base64\":\"YQ==\"}"), Some(b"a".to_vec()));
        for json in ["1", "null", "[97]", "{\"base64\":\"?\"}", "{\"base64\":\"YQ==\",\"x\":1}", "{}"] {
            assert_eq!(read(json), None, "{json}");
        }
        for json in [r#"["YQ=="]"#, r#"{"base64":["YQ=="]}"#, r#"{"base64":"YQ==","base64":"YQ=="}"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn base64_that_is_too_long_is_rejected_before_it_is_decoded() {
        let read = |text: &str| {
            let json = serde_json::json!({ "base64": text }).to_string();
            let mut deserializer = serde_json::Deserializer::from_str(&json);
            BoundedBytes { max: 30 }
                .deserialize(&mut deserializer)
                .map(|bytes| bytes.0.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(&"AAAA".repeat(10)), Ok(30));
        assert_eq!(read(&format!("{}\n", "A\r\nAAA\n".repeat(9))), Ok(27));
        // None of these is valid base64. A decoder that ran before the length check would report that
        // instead.
        for (text, part) in
            [("?".repeat(44), "too large: at most 30 bytes are"), (" ".repeat(65), "bytes of base64 are")]
        {
            assert!(read(&text).is_err_and(|error| error.contains(part)), "{:?}", read(&text));
        }
        assert!(
            read("?").is_err_and(|error| error.starts_with("`base64` is not valid base64")),
            "{:?}",
            read("?")
        );
    }
}
