//! Text of the caller in messages.

use alloc::{format, string::String};

/// Maximum characters of a caller's text in a message. Longer than any path.
const MAX_QUOTED: usize = 1024;

/// The character, or U+FFFD for one that could control a terminal or disguise a text.
#[must_use]
pub fn printable(character: char) -> char {
    if is_invisible(character) { char::REPLACEMENT_CHARACTER } else { character }
}

/// Whether this is a control character, a format character (such as those that change the text direction), or
/// a line or paragraph separator. Source: Unicode 17, general categories Cc, Cf, Zl and Zp.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}')
}

/// A text that may contain text of the caller, made printable and truncated for a message.
#[must_use]
pub fn shortened(text: &str) -> String {
    let cut = text.chars().nth(MAX_QUOTED).map(|_| '\u{2026}');
    text.chars().map(printable).take(MAX_QUOTED).chain(cut).collect()
}

/// A text of the caller, quoted for a message: printable, truncated and in backticks. Backticks in it are
/// replaced.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text).replace('`', "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::relative_path;
    use alloc::string::ToString;

    #[test]
    fn invisible_characters_are_replaced() {
        for (text, shown) in [
            ("a\u{202e}b", "`a\u{fffd}b`"),
            ("\u{200b}.git", "`\u{fffd}.git`"),
            ("a\u{2028}\u{feff}\u{e0041}", "`a\u{fffd}\u{fffd}\u{fffd}`"),
            ("größe 日本 🦊", "`größe 日本 🦊`"),
            // A backtick or a line break would end the quotation.
            ("a`b\nc", "`a\u{fffd}b\u{fffd}c`"),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let longest = "x".repeat(MAX_QUOTED);
        assert_eq!(quoted(&longest), format!("`{longest}`"));
        assert_eq!(
            quoted(&"\u{1b}".repeat(2 * MAX_QUOTED)),
            format!("`{}\u{2026}`", "\u{fffd}".repeat(MAX_QUOTED))
        );
        let message = relative_path(&"x".repeat(1 << 20)).map_err(|violation| violation.to_string().len());
        assert!(message.is_err_and(|length| length < 2 * MAX_QUOTED));
    }
}
