//! Base64 text in JSON.

use crate::bounded::too_large;
use alloc::{format, string::String, vec::Vec};
use base64::{
    DecodeError, Engine, alphabet,
    display::Base64Display,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use core::fmt;
use serde::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, Visitor},
};

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 without padding, for every chunk but the last.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// Digits that are decoded at once if the text has white space. A multiple of four.
const CHUNK: usize = 1024;

/// Bytes that are encoded as base64 while they are written. The encoded text is never held as a whole.
pub(crate) struct StreamedBase64<'a>(pub(crate) &'a [u8]);

impl Serialize for StreamedBase64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &BASE64_STANDARD))
    }
}

/// A base64 string with a maximum number of decoded bytes. A longer string is rejected before it is decoded.
///
/// The value is the decoded bytes, or a message that says why the string is not valid base64.
#[derive(Debug, Clone, Copy)]
pub struct BoundedBase64 {
    /// Maximum number of decoded bytes.
    pub max: usize,
}

impl<'de> DeserializeSeed<'de> for BoundedBase64 {
    type Value = Result<Vec<u8>, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for BoundedBase64 {
    type Value = Result<Vec<u8>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a base64 string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // Four digits for three bytes, with room for white space.
        let max_length = self.max.saturating_mul(2).saturating_add(4);
        if text.len() > max_length {
            return Err(too_large(max_length, "bytes of base64"));
        }
        if decoded_length(text) > self.max {
            return Err(too_large(self.max, "bytes"));
        }
        Ok(decode_base64(text).map_err(|error| format!("is not valid base64: {error}")))
    }
}

/// Number of bytes that a base64 text decodes to.
fn decoded_length(text: &str) -> usize {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').count();
    digits / 4 * 3 + digits % 4 * 3 / 4
}

/// Decodes base64 in the standard or the URL-safe alphabet, with or without padding. White space is ignored.
fn decode_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    if !text.bytes().any(|byte| byte.is_ascii_whitespace() || b"-_".contains(&byte)) {
        return BASE64.decode(text);
    }
    let standard = |byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        _ => byte,
    };
    let (mut bytes, mut offset) = (Vec::with_capacity(decoded_length(text).saturating_add(3)), 0);
    // In chunks: a copy of all digits would take as much memory as the text.
    let mut chunk = Vec::with_capacity(CHUNK);
    for digit in text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(standard) {
        if chunk.len() == CHUNK {
            UNPADDED.decode_vec(&chunk, &mut bytes).map_err(|error| shift(error, offset))?;
            chunk.clear();
            offset += CHUNK;
        }
        chunk.push(digit);
    }
    BASE64.decode_vec(&chunk, &mut bytes).map_err(|error| shift(error, offset))?;
    Ok(bytes)
}

/// The error of a chunk, with its position in the whole text, where the chunk begins at `offset`.
fn shift(error: DecodeError, offset: usize) -> DecodeError {
    match error {
        DecodeError::InvalidByte(index, byte) => DecodeError::InvalidByte(offset + index, byte),
        DecodeError::InvalidLength(length) => DecodeError::InvalidLength(offset + length),
        DecodeError::InvalidLastSymbol(index, byte) => DecodeError::InvalidLastSymbol(offset + index, byte),
        DecodeError::InvalidPadding => DecodeError::InvalidPadding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_of_base64_is_decoded() {
        let bytes = [0xfb, 0xff, 0xfe, 0x61];
        for text in ["+//+YQ==", "-__-YQ==", "-__-YQ", "+//+\r\nYQ==\n", " + / / + Y Q"] {
            assert_eq!(decode_base64(text).as_deref(), Ok(&bytes[..]), "{text:?}");
        }
        for text in ["+//+YQ===", "+//+Y", "?", "YQ==YQ==", "\u{e4}"] {
            assert!(decode_base64(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn base64_of_any_length_is_decoded_with_white_space() {
        for length in [0, 1, 767, 768, 769, 1535, 1536, 5000] {
            let bytes: Vec<u8> =
                (0..length).map(|number| u8::try_from(number % 251).expect("a byte")).collect();
            let text = BASE64_STANDARD.encode(&bytes);
            for text in
                [format!("\n{text}"), format!("{text}\r\n"), format!(" {}", text.trim_end_matches('='))]
            {
                assert_eq!(decode_base64(&text).as_ref(), Ok(&bytes), "{length}");
            }
        }
        let padded = format!("\n{}YQ==", "A".repeat(CHUNK - 4));
        assert_eq!(decode_base64(&padded).map(|bytes| bytes.len()), Ok(766));
        assert!(
            decode_base64(&format!("{padded}YQ==")).is_err() && decode_base64(&format!("{padded}=")).is_err()
        );
        assert_eq!(
            decode_base64(&format!("\n{}?", "A".repeat(CHUNK))),
            Err(DecodeError::InvalidByte(CHUNK, b'?'))
        );
    }
}
