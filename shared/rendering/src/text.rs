//! Incremental decoding of UTF-8.

use alloc::{string::String, vec::Vec};

/// Splits off an incomplete character at the end: at most three bytes.
pub(crate) fn split_incomplete(bytes: &[u8]) -> (&[u8], &[u8]) {
    let invalid = bytes.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
    let is_incomplete = str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    bytes.split_at(bytes.len() - if is_incomplete { invalid.len() } else { 0 })
}

/// Decodes the chunks of a stream. A character that is split between two chunks is decoded whole.
#[derive(Debug, Default)]
pub struct TextDecoder {
    incomplete: Vec<u8>,
}

impl TextDecoder {
    /// The text of the next chunk, or none if there is no complete character yet.
    #[must_use]
    pub fn push(&mut self, chunk: &[u8]) -> Option<String> {
        let bytes = [&self.incomplete, chunk].concat();
        let (complete, incomplete) = split_incomplete(&bytes);
        self.incomplete = incomplete.into();
        (!complete.is_empty()).then(|| String::from_utf8_lossy(complete).into_owned())
    }

    /// Ends the stream: U+FFFD if the last character is incomplete.
    #[must_use]
    pub fn finish(&mut self) -> Option<String> {
        let incomplete = core::mem::take(&mut self.incomplete);
        (!incomplete.is_empty()).then(|| String::from_utf8_lossy(&incomplete).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_between_chunks_is_decoded_whole() {
        let text = "a\u{e4}\u{20ac}\u{1f680}b";
        for size in 1..=text.len() {
            let mut decoder = TextDecoder::default();
            let decoded = text.as_bytes().chunks(size).filter_map(|chunk| decoder.push(chunk));
            assert_eq!(decoded.collect::<String>(), text, "{size}");
            assert_eq!(decoder.finish(), None);
        }
    }

    #[test]
    fn invalid_bytes_are_replaced_at_once() {
        let mut decoder = TextDecoder::default();
        assert_eq!(decoder.push(b"a\xffb").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(decoder.push(b"\xf0\x9f"), None);
        assert_eq!(decoder.push(b"c").as_deref(), Some("\u{fffd}c"));
    }

    #[test]
    fn an_incomplete_character_at_the_end_is_replaced() {
        let mut decoder = TextDecoder::default();
        assert_eq!(decoder.push(b"a\xe2\x82").as_deref(), Some("a"));
        assert_eq!(decoder.finish().as_deref(), Some("\u{fffd}"));
        assert_eq!(decoder.finish(), None);
    }
}
