use super::*;
use proptest::prelude::*;

fn filtered(bytes: &[u8]) -> Vec<u8> {
    TerminalFilter::default().filter(bytes)
}

#[track_caller]
fn passes(bytes: &[u8]) {
    assert_eq!(filtered(bytes).escape_ascii().to_string(), bytes.escape_ascii().to_string());
}

#[track_caller]
fn drops(bytes: &[u8]) {
    let around = [b"a", bytes, b"b"].concat();
    assert_eq!(filtered(&around).escape_ascii().to_string(), "ab");
}

#[test]
fn text_and_what_moves_the_cursor_is_passed_on() {
    passes("größe “日本” 🦊\r\n\t\u{a0}".as_bytes());
    passes(
        b"\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;5H\x1b[?25l\x1b[?1049h\x1b(B\x1b7\x1b8\x1b=\x1bM\x1b[6n\x1b[1 q",
    );
    passes(b"\x1b]8;;https://a.example/\x07link\x1b]8;;\x07\x1b]11;#102030\x07\x1b]133;A\x07");
    // No character, and no control character either.
    passes(b"\xff\xfe\xc0 \xe2\x28\xa1");
}

#[test]
fn clipboard_and_title_are_dropped_in_every_form() {
    for command in [
        "0;t",
        "1;t",
        "2;t",
        "52;c;YQ==",
        "52;c;?",
        "052;c;YQ==",
        "1337;Copy=:YQ==",
        "9;t",
        "777;notify;a;b",
        "l",
        "",
    ] {
        for (begin, end) in [("\x1b]", "\x07"), ("\x1b]", "\x1b\\"), ("\u{9d}", "\x07"), ("\u{9d}", "\x1b\\")]
        {
            drops(format!("{begin}{command}{end}").as_bytes());
        }
    }
    drops(b"\x9d52;c;YQ==\x07");
    drops(b"\x1bkname\x1b\\");
    drops(b"\x1b_a\x1b\\\x1b^b\x1b\\\x1bXc\x1b\\\x1bP$qm\x1b\\");
    drops(b"\x1b[20t\x1b[21t\x1b[22;0t\x1b[23;0t\x1b[>2t\x1b[8;1;1t\x9b21t");
}

#[test]
fn a_command_within_a_device_control_string_is_dropped() {
    let passed = filtered(b"a\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\b");
    assert!(!passed.windows(2).any(|pair| pair == b"52"), "{}", passed.escape_ascii());
}

#[test]
fn an_allowed_command_contains_nothing_that_ends_it() {
    drops(b"\x1b]8;;\xc2\x9d52;c;YQ==\x07");
    drops(b"\x1b]8;;\x9c\x07");
    drops(format!("\x1b]8;;{}\x07", "x".repeat(MAX_SEQUENCE)).as_bytes());
    drops(b"\x1b]8;;a\x18");
    assert_eq!(filtered(b"\x1b]8;;a\x1b\\"), b"\x1b]8;;a\x07");
}

#[test]
fn a_control_character_within_a_sequence_does_not_hide_another() {
    assert_eq!(filtered(b"\x1b]\x1b]52;c;YQ==\x07a"), b"a");
    assert_eq!(filtered(b"\x1b[\x1b]52;c;YQ==\x07a"), b"a");
    assert_eq!(filtered(b"\x1b[1\n1ma"), b"\n\x1b[11ma");
    assert_eq!(filtered(b"\x1b[1\x18a\x1b[3\xe2\x82\xac"), "a\u{20ac}".as_bytes());
    // The second byte of a character that this lead byte cannot have.
    assert_eq!(filtered(b"\xe0\x9d52;c;YQ==\x07a"), b"\xe0a");
    assert_eq!(filtered(format!("\x1b[{}ma", "1".repeat(MAX_SEQUENCE)).as_bytes()), b"a");
}

/// Pieces of which sequences are made, so that random text has many.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            &b"\x1b"[..],
            b"]",
            b"[",
            b"P",
            b"\\",
            b"52;c;YQ==",
            b"0;title",
            b"8;;a",
            b"21t",
            b";",
            b"\x07",
            b"\x18",
            b"\xc2",
            b"\x9d",
            b"\x9b",
            b"\x9c",
            b"\xe2\x82\xac",
            b"m",
            b"k",
            b"\x1b]52;",
            b"\x1b\\",
            b" ",
            b"0",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_how_the_bytes_are_split(bytes in pieces(), size in 1_usize..9) {
        let mut filter = TerminalFilter::default();
        let parts: Vec<u8> = bytes.chunks(size).flat_map(|part| filter.filter(part)).collect();
        prop_assert_eq!(parts, filtered(&bytes));
    }

    #[test]
    fn what_is_passed_on_is_passed_on_again(bytes in pieces()) {
        let once = filtered(&bytes);
        prop_assert_eq!(filtered(&once), once);
    }

    #[test]
    fn no_command_but_the_allowed_ones_begins_in_what_is_passed_on(bytes in pieces()) {
        let passed = filtered(&bytes);
        for (at, _) in passed.windows(2).enumerate().filter(|(_, pair)| *pair == b"\x1b]") {
            let number: Vec<u8> = passed[at + 2..].iter().copied().take_while(u8::is_ascii_digit).collect();
            prop_assert!(ALLOWED_COMMANDS.iter().any(|allowed| allowed.as_bytes() == number), "{:?}", passed);
        }
        for begin in [&b"\x1bP"[..], b"\x1b_", b"\x1b^", b"\x1bX", b"\x1bk", b"\xc2\x9d", b"\xc2\x90"] {
            prop_assert!(!passed.windows(begin.len()).any(|window| window == begin), "{:?}", passed);
        }
    }

    #[test]
    fn text_without_control_characters_is_unchanged(text in "[^\\p{Cc}]{0,60}") {
        prop_assert_eq!(filtered(text.as_bytes()), text.into_bytes());
    }
}
