//! Bytes into text, without losing the bytes.

use crate::text;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// A stream made readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The stream as text. Bytes that are not UTF-8 appear as U+FFFD; a cut appears as a line of its own that says how many
    /// bytes are missing, if that is known.
    pub text: String,
    /// The kept bytes as they were, if the text does not give them back.
    pub bytes: Option<Vec<u8>>,
}

/// Makes a stream readable of which `bytes` were kept of `length`; where the middle was cut out, `cut` of them are the head.
#[must_use]
pub fn decode(bytes: Vec<u8>, length: u64, cut: Option<u64>) -> Decoded {
    if let Some(head) = cut {
        let (head, tail) = bytes.split_at(usize::try_from(head).map_or(bytes.len(), |head| head.min(bytes.len())));
        let text = cut_text(head, tail, length.saturating_sub(bytes.len() as u64));
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

/// Head and tail with a line between them that says how much is missing. A character that the cut went through is left
/// out of both.
fn cut_text(head: &[u8], tail: &[u8], missing: u64) -> String {
    let (head, _) = text::split(head);
    let continued = tail.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(&tail[continued..]));
    let newline = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    // A sandbox that died could not say how much there was.
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
    fn text_needs_no_bytes() {
        let output = decode("grün\n".as_bytes(), 6, None);
        assert_eq!((output.text.as_str(), output.bytes), ("grün\n", None));
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_beside_it() {
        let output = decode(b"a\xffb", 3, None);
        assert_eq!((output.text.as_str(), output.bytes.as_deref()), ("a\u{fffd}b", Some(&b"a\xffb"[..])));
    }

    #[test]
    fn a_cut_is_a_line_of_its_own() {
        let output = decode(b"headtail", 1000, Some(4));
        assert_eq!(output.text, "head\n[... 992 bytes cut ...]\ntail");
        assert_eq!(output.bytes.as_deref(), Some(&b"headtail"[..]));
        assert_eq!(decode(b"head\ntail", 10, Some(5)).text, "head\n[... 1 bytes cut ...]\ntail");
    }

    #[test]
    fn a_character_that_the_cut_went_through_is_left_out() {
        assert_eq!(decode(b"a\xf0\x9f\x9a\x80b", 100, Some(3)).text, "a\n[... 94 bytes cut ...]\nb");
        assert_eq!(decode(b"\xffa\xffb", 100, Some(3)).text, "\u{fffd}a\u{fffd}\n[... 96 bytes cut ...]\nb");
    }

    #[test]
    fn a_cut_that_a_host_puts_beyond_the_end_is_no_trap() {
        assert_eq!(decode(b"all", 2, Some(u64::MAX)).text, "all\n[... an unknown number of bytes cut ...]\n");
    }
}
