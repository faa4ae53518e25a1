//! Messages for a terminal.

use cofferdam_types::printable;

/// A message with nothing in it that could steer a terminal. Of several lines all but the first are indented: none passes for a
/// message of its own.
pub(super) fn plain(text: &str) -> String {
    let line = |line: &str| line.chars().map(printable).collect::<String>();
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_steers_a_terminal_or_passes_for_another() {
        for (text, shown) in [
            ("a b\n", "a b"),
            ("a\u{1b}[31mb\u{7}", "a\u{fffd}[31mb\u{fffd}"),
            ("a\u{9b}1mb\rc\u{7f}", "a\u{fffd}1mb\u{fffd}c\u{fffd}"),
            ("a\ncofferdam: b", "a\n  cofferdam: b"),
        ] {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }
}
