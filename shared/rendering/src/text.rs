//! Text that comes in pieces.

use alloc::{string::String, vec::Vec};

/// The bytes up to a character that is not all there, and its beginning: at most three bytes.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let broken = bytes.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
    let is_begun = str::from_utf8(broken).is_err_and(|error| error.error_len().is_none());
    bytes.split_at(bytes.len() - if is_begun { broken.len() } else { 0 })
}

/// Makes text of a stream's pieces, so that a character which is split between two of them comes whole.
#[derive(Debug, Default)]
pub struct Decoder {
    begun: Vec<u8>,
}

impl Decoder {
    /// The text of the next piece; none where there is no whole character yet.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Option<String> {
        let bytes = [&self.begun, piece].concat();
        let (whole, begun) = split(&bytes);
        self.begun = begun.into();
        (!whole.is_empty()).then(|| String::from_utf8_lossy(whole).into_owned())
    }

    /// What is left when the stream is over: the mark of a character that never became whole.
    #[must_use]
    pub fn finish(&mut self) -> Option<String> {
        let begun = core::mem::take(&mut self.begun);
        (!begun.is_empty()).then(|| String::from_utf8_lossy(&begun).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_comes_whole_however_it_is_split() {
        let text = "a\u{e4}\u{20ac}\u{1f680}b";
        for size in 1..=text.len() {
            let mut decoder = Decoder::default();
            let pieces = text.as_bytes().chunks(size).filter_map(|piece| decoder.push(piece));
            assert_eq!(pieces.collect::<String>(), text, "{size}");
            assert_eq!(decoder.finish(), None);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_told_at_once() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"a\xffb").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(decoder.push(b"\xf0\x9f"), None);
        assert_eq!(decoder.push(b"c").as_deref(), Some("\u{fffd}c"));
    }

    #[test]
    fn what_never_becomes_whole_is_marked_at_the_end() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"a\xe2\x82").as_deref(), Some("a"));
        assert_eq!(decoder.finish().as_deref(), Some("\u{fffd}"));
        assert_eq!(decoder.finish(), None);
    }
}
