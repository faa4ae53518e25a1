//! Characters that end outside a piece of text. Pure.

/// The number of bytes at the end that are the beginning of a character.
pub(super) fn incomplete_length(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().last().map_or(0, |last| {
        let invalid = last.invalid();
        let is_incomplete = str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if is_incomplete { invalid.len() } else { 0 }
    })
}
