//! Paths as bytes, written in a case with `\xNN` for a byte that is not text. Pure.

use crate::conformance::Failure;

/// The bytes of a path.
pub(super) fn path_bytes(text: &str) -> Result<Vec<u8>, Failure> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) =
            part.split_at_checked(2).ok_or_else(|| format!("{text:?}: \\x needs two digits"))?;
        bytes.push(u8::from_str_radix(digits, 16)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Ok(bytes)
}

/// The path as it is written in a case.
pub(super) fn path_text(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_written_as_numbers() {
        let path = path_bytes(r"a\xff/é\x0a").expect("a path");
        assert_eq!(path, b"a\xff/\xc3\xa9\n");
        assert_eq!(path_text(&path), "a\\xff/é\n");
        for malformed in [r"\x", r"\x1", r"\xzz"] {
            assert!(path_bytes(malformed).is_err(), "{malformed}");
        }
    }
}
