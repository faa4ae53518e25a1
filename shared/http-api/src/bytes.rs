//! Bytes in JSON: text where they are text, else base64. Never much more than twice as long as they are.

use crate::{bounded::over, object::Name};
use alloc::{format, string::String, vec::Vec};
use base64::{
    DecodeError, Engine, alphabet,
    display::Base64Display,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    ser::SerializeStruct,
};

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The same without padding: for all of a text but its end.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// Digits that are decoded at once where white space is left out: a multiple of four.
const CHUNK: usize = 1024;

/// Bytes, written as a string where they are UTF-8 and not full of control characters, else as `{"base64": "…"}`. Either is
/// read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

// As the description has it.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = Bytes)]
#[expect(dead_code, reason = "its schema alone is needed")]
pub(crate) enum Written {
    /// UTF-8.
    Text(String),
    /// Anything.
    Base64(Base64),
}

/// Bytes that are not text.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base64 {
    /// Written in the standard alphabet with padding. The URL-safe alphabet, white space and missing padding are read too.
    base64: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) if escaped(text) <= 2 * text.len() => serializer.serialize_str(text),
            _ => {
                let mut object = serializer.serialize_struct("Base64", 1)?;
                object.serialize_field("base64", &InPieces(&self.0))?;
                object.end()
            }
        }
    }
}

/// Base64 that is written as it is made, so that it is nowhere as a whole.
struct InPieces<'a>(&'a [u8]);

impl Serialize for InPieces<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &BASE64_STANDARD))
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
        BytesOf { most: usize::MAX }.deserialize(deserializer)
    }
}

/// [`Bytes`], at most so many.
#[derive(Debug, Clone, Copy)]
pub struct BytesOf {
    /// How many there may be.
    pub most: usize,
}

impl<'de> DeserializeSeed<'de> for BytesOf {
    type Value = Bytes;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BytesOf {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with the one member `base64`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
        if text.len() > self.most { Err(over(self.most, "bytes")) } else { Ok(Bytes(text.into())) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        let mut bytes = None;
        while let Some(name) = map.next_key_seed(Name(&["base64"]))? {
            let name = name.map_err(|unknown| A::Error::unknown_field(&unknown, &["base64"]))?;
            let decoded = map.next_value_seed(Base64Of { most: self.most })?;
            let decoded = decoded.map_err(|wrong| A::Error::custom(format_args!("`base64` {wrong}")))?;
            if bytes.replace(decoded).is_some() {
                return Err(A::Error::duplicate_field(name));
            }
        }
        bytes.map(Bytes).ok_or_else(|| A::Error::missing_field("base64"))
    }
}

/// A string of base64 for at most so many bytes: the bytes, or what is wrong with the string. One that is too long is refused
/// before it is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Base64Of {
    /// How many bytes there may be.
    pub most: usize,
}

impl<'de> DeserializeSeed<'de> for Base64Of {
    type Value = Result<Vec<u8>, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Base64Of {
    type Value = Result<Vec<u8>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // Four digits for three bytes, with room for white space.
        let longest = self.most.saturating_mul(2).saturating_add(4);
        if text.len() > longest {
            return Err(over(longest, "bytes of base64"));
        }
        if decoded_length(text) > self.most {
            return Err(over(self.most, "bytes"));
        }
        Ok(decode_base64(text).map_err(|error| format!("is no base64: {error}")))
    }
}

/// How many bytes a text of base64 stands for.
fn decoded_length(text: &str) -> usize {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').count();
    digits / 4 * 3 + digits % 4 * 3 / 4
}

/// Decodes base64 in the standard or the URL-safe alphabet, with or without padding. White space is left out.
fn decode_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    if !text.bytes().any(|byte| byte.is_ascii_whitespace() || b"-_".contains(&byte)) {
        return BASE64.decode(text);
    }
    let standard = |byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        _ => byte,
    };
    let (mut bytes, mut before) = (Vec::with_capacity(decoded_length(text).saturating_add(3)), 0);
    // A few digits at a time: a copy of all of them would take as much memory as the text.
    let mut chunk = Vec::with_capacity(CHUNK);
    for digit in text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(standard) {
        if chunk.len() == CHUNK {
            UNPADDED.decode_vec(&chunk, &mut bytes).map_err(|error| moved(error, before))?;
            chunk.clear();
            before += CHUNK;
        }
        chunk.push(digit);
    }
    BASE64.decode_vec(&chunk, &mut bytes).map_err(|error| moved(error, before))?;
    Ok(bytes)
}

/// The error of a chunk, as that of the text with so many digits before it.
fn moved(error: DecodeError, before: usize) -> DecodeError {
    match error {
        DecodeError::InvalidByte(offset, byte) => DecodeError::InvalidByte(before + offset, byte),
        DecodeError::InvalidLength(length) => DecodeError::InvalidLength(before + length),
        DecodeError::InvalidLastSymbol(offset, byte) => DecodeError::InvalidLastSymbol(before + offset, byte),
        DecodeError::InvalidPadding => DecodeError::InvalidPadding,
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
        for json in [r#"["YQ=="]"#, r#"{"base64":["YQ=="]}"#, r#"{"base64":"YQ==","base64":"YQ=="}"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn base64_is_read_in_every_usual_form() {
        let bytes = [0xfb, 0xff, 0xfe, 0x61];
        for text in ["+//+YQ==", "-__-YQ==", "-__-YQ", "+//+\r\nYQ==\n", " + / / + Y Q"] {
            assert_eq!(decode_base64(text).as_deref(), Ok(&bytes[..]), "{text:?}");
        }
        for text in ["+//+YQ===", "+//+Y", "?", "YQ==YQ==", "\u{e4}"] {
            assert!(decode_base64(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn base64_of_any_length_is_read_between_white_space() {
        for length in [0, 1, 767, 768, 769, 1535, 1536, 5000] {
            let bytes: Vec<u8> = (0..length).map(|number| u8::try_from(number % 251).expect("a byte")).collect();
            let text = BASE64_STANDARD.encode(&bytes);
            for text in [format!("\n{text}"), format!("{text}\r\n"), format!(" {}", text.trim_end_matches('='))] {
                assert_eq!(decode_base64(&text).as_ref(), Ok(&bytes), "{length}");
            }
        }
        let padded = format!("\n{}YQ==", "A".repeat(CHUNK - 4));
        assert_eq!(decode_base64(&padded).map(|bytes| bytes.len()), Ok(766));
        assert!(decode_base64(&format!("{padded}YQ==")).is_err() && decode_base64(&format!("{padded}=")).is_err());
        assert_eq!(decode_base64(&format!("\n{}?", "A".repeat(CHUNK))), Err(DecodeError::InvalidByte(CHUNK, b'?')));
    }

    #[test]
    fn base64_that_is_too_long_is_refused_before_it_is_decoded() {
        let read = |text: &str| {
            let json = serde_json::json!({ "base64": text }).to_string();
            let mut deserializer = serde_json::Deserializer::from_str(&json);
            BytesOf { most: 30 }
                .deserialize(&mut deserializer)
                .map(|bytes| bytes.0.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(&"AAAA".repeat(10)), Ok(30));
        assert_eq!(read(&format!("{}\n", "A\r\nAAA\n".repeat(9))), Ok(27));
        // None of these is base64: who decodes them first says so.
        for (text, part) in
            [("?".repeat(44), "too large: at most 30 bytes are"), (" ".repeat(65), "bytes of base64 are")]
        {
            assert!(read(&text).is_err_and(|error| error.contains(part)), "{:?}", read(&text));
        }
        assert!(read("?").is_err_and(|error| error.starts_with("`base64` is no base64")), "{:?}", read("?"));
    }
}
