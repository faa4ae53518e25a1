//! Messages that are safe on a terminal.

use cofferdam_types::printable;

/// A message without terminal escapes. All lines but the first are indented, so that none looks like another
/// message.
pub(super) fn sanitize(text: &str) -> String {
    let line = |line: &str| line.chars().map(printable).collect::<String>();
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_escapes_and_no_forged_lines() {
        for (text, shown) in [
            ("a b\n", "a b"),
            ("a\u{1b}[31mb\u{7}", "a\u{fffd}[31mb\u{fffd}"),
            ("a\u{9b}1mb\rc\u{7f}", "a\u{fffd}1mb\u{fffd}c\u{fffd}"),
            ("a\ncofferdam: b", "a\n  cofferdam: b"),
        ] {
            assert_eq!(sanitize(text), shown, "{text:?}");
        }
    }
}
