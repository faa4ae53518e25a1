//! Decodes a stream as text and keeps the bytes where the text is not exact.

use crate::text;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// A decoded stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The stream as text. Bytes that are not UTF-8 are replaced by U+FFFD. A truncated stream has a line in
    /// the place of its middle that says how many bytes are missing, if that is known.
    pub text: String,
    /// The kept bytes, if `text` does not represent them exactly.
    pub bytes: Option<Vec<u8>>,
}

/// Decodes the kept `bytes` of a stream of `length` bytes. If the stream was truncated, the first `cut` bytes
/// are the head and the rest is the tail.
#[must_use]
pub fn decode(bytes: Vec<u8>, length: u64, cut: Option<u64>) -> Decoded {
    if let Some(head) = cut {
        let (head, tail) =
            bytes.split_at(usize::try_from(head).map_or(bytes.len(), |head| head.min(bytes.len())));
        let text = truncated_text(head, tail, length.saturating_sub(bytes.len() as u64));
        return Decoded { text, bytes: Some(bytes) };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, bytes: None },
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Decoded { text, bytes: Some(error.into_bytes()) }
        }
    }
}

/// Head and tail with a line between them that says how many bytes are missing. A character that was
/// truncated is omitted.
fn truncated_text(head: &[u8], tail: &[u8], missing: u64) -> String {
    let (head, _) = text::split_incomplete(head);
    let continuation = tail.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(&tail[continuation..]));
    let newline = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    // A sandbox that died early did not report the length.
    let missing = if missing == 0 { "an unknown number of".into() } else { missing.to_string() };
    format!("{head}{newline}[... {missing} bytes cut ...]\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], length: u64, cut: Option<u64>) -> Decoded {
        super::decode(bytes.to_vec(), length, cut)
    }

    #[test]
    fn bytes_are_omitted_if_the_text_is_exact() {
        let output = decode("grün\n".as_bytes(), 6, None);
        assert_eq!((output.text.as_str(), output.bytes), ("grün\n", None));
    }

    #[test]
    fn bytes_are_kept_if_they_are_not_utf8() {
        let output = decode(b"a\xffb", 3, None);
        assert_eq!((output.text.as_str(), output.bytes.as_deref()), ("a\u{fffd}b", Some(&b"a\xffb"[..])));
    }

    #[test]
    fn truncation_is_shown_as_a_separate_line() {
        let output = decode(b"headtail", 1000, Some(4));
        assert_eq!(output.text, "head\n[... 992 bytes cut ...]\ntail");
        assert_eq!(output.bytes.as_deref(), Some(&b"headtail"[..]));
        assert_eq!(decode(b"head\ntail", 10, Some(5)).text, "head\n[... 1 bytes cut ...]\ntail");
    }

    #[test]
    fn a_truncated_character_is_omitted() {
        assert_eq!(decode(b"a\xf0\x9f\x9a\x80b", 100, Some(3)).text, "a\n[... 94 bytes cut ...]\nb");
        assert_eq!(decode(b"\xffa\xffb", 100, Some(3)).text, "\u{fffd}a\u{fffd}\n[... 96 bytes cut ...]\nb");
    }

    #[test]
    fn a_cut_beyond_the_end_does_not_panic() {
        assert_eq!(decode(b"all", 2, Some(u64::MAX)).text, "all\n[... an unknown number of bytes cut ...]\n");
    }
}
