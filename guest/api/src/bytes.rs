//! Bytes in JSON: text where they are text, else base64. Never much more than twice as long as they are.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes, written as a string where they are UTF-8 and not full of control characters, else as `{"base64": "…"}`. Either is
/// read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a string, or an object with the one member `base64`")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Bytes))]
pub(crate) enum Written {
    /// UTF-8.
    Text(String),
    /// Anything.
    Base64(Base64),
}

/// Bytes that are not text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Base64 {
    /// The standard alphabet, with padding.
    base64: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match str::from_utf8(&self.0) {
            Ok(text) if escaped(text) <= 2 * text.len() => Written::Text(text.to_owned()),
            _ => Written::Base64(Base64 { base64: BASE64_STANDARD.encode(&self.0) }),
        };
        written.serialize(serializer)
    }
}

/// How many bytes a text has in JSON: `\u0000` has six for one.
fn escaped(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Base64(Base64 { base64 }) => BASE64_STANDARD
                .decode(base64)
                .map(Self)
                .map_err(|error| D::Error::custom("`base64` is no base64: ".to_owned() + &error.to_string())),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Bytes {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <Written as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Bytes {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <Written as utoipa::ToSchema>::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [b"".as_slice(), "grün\n\0".as_bytes(), b"\xff\0", &[0x80; 1000]] {
            let bytes = Bytes(bytes.to_vec());
            let written = serde_json::to_string(&bytes).expect("JSON");
            assert_eq!(serde_json::from_str::<Bytes>(&written).expect("bytes"), bytes, "{written}");
        }
    }

    #[test]
    fn no_bytes_are_more_than_twice_as_long_in_json() {
        for bytes in ["\n\"\\\t\r\u{8}\u{c}".repeat(9), "\0".repeat(99), "\u{1b}[1m".repeat(99), "a".repeat(99)] {
            let written = serde_json::to_string(&Bytes(bytes.clone().into_bytes())).expect("JSON");
            assert!(written.len() <= 2 * bytes.len() + 2, "{written}");
        }
        assert_eq!(
            serde_json::to_string(&Bytes(b"1\n\x1b[1m2\x1b[0m\n".to_vec())).expect("JSON"),
            r#""1\n\u001b[1m2\u001b[0m\n""#
        );
    }

    #[test]
    fn text_may_come_as_base64_too_and_nothing_else_may_come() {
        let read = |json: &str| serde_json::from_str::<Bytes>(json).ok().map(|bytes| bytes.0);
        assert_eq!(read("{\"base64\":\"YQ==\"}"), Some(b"a".to_vec()));
        for json in ["1", "null", "[97]", "{\"base64\":\"?\"}", "{\"base64\":\"YQ==\",\"x\":1}", "{}"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
