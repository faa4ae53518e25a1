use super::*;
use alloc::vec;

fn request() -> RequestView<'static> {
    RequestView { code: "print(1)", ..RequestView::default() }
}

#[test]
fn a_request_with_only_code_is_valid() {
    assert_eq!(check(&request()), Ok(()));
}

#[test]
fn sizes_are_limited_exactly() {
    let full = "a".repeat(MAX_CODE);
    assert_eq!(check(&RequestView { code: &full, ..request() }), Ok(()));
    assert_eq!(check(&RequestView { code: "", ..request() }), Ok(()));
    let over = "a".repeat(MAX_CODE + 1);
    let check_files = |files| check(&RequestView { files, ..request() });
    assert!(matches!(check(&RequestView { code: &over, ..request() }), Err(Violation::TooLarge(_))));
    assert_eq!(check_files(vec![("a", MAX_INPUT - 1), ("b", 1)]), Ok(()));
    assert!(matches!(check_files(vec![("a", MAX_INPUT), ("b", 1)]), Err(Violation::TooLarge(_))));
    assert!(matches!(check(&RequestView { stdin: MAX_INPUT + 1, ..request() }), Err(Violation::TooLarge(_))));
}

#[test]
fn paths_outside_the_working_directory_are_invalid() {
    for path in ["a", "a/b.csv", ".hidden", "a..b", "ä/ö", &"x".repeat(MAX_PATH)] {
        assert_eq!(relative_path(path), Ok(()), "{path:?}");
    }
    for path in ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a/.", "a\0b", &"x".repeat(MAX_PATH + 1)] {
        assert!(matches!(relative_path(path), Err(Violation::Invalid(_))), "{path:?}");
    }
}

#[test]
fn a_path_that_is_a_file_and_a_directory_is_invalid_at_any_position() {
    // In some order, each of these sorts between the two.
    let others = [("a-b", 1), ("a.b/c", 1), ("a!", 1), ("ab", 1), ("b/a/c", 1), ("A", 1)];
    let check_files =
        |files: &[(&'static str, usize)]| check(&RequestView { files: files.to_vec(), ..request() });
    assert_eq!(check_files(&others), Ok(()));
    for position in 0..=others.len() {
        for [first, last] in
            [["a", "a/b/c"], ["a/b/c", "a"], ["a/b/c/d", "a/b/c"], ["a-b/c", "x"], ["A/b", "x"]]
        {
            let mut files = others.to_vec();
            files.insert(position, (first, 1));
            files.push((last, 1));
            let Err(Violation::Invalid(text)) = check_files(&files) else { panic!("{files:?} is valid") };
            assert!(text.contains("as the directory of the other"), "{files:?} {text}");
        }
    }
}

#[test]
fn contradictory_or_malformed_fields_are_invalid() {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (nul, out, empty) = (words(&["a\0"]), words(&["../*"]), words(&[""]));
    for invalid in [
        RequestView { code: "a\0", ..request() },
        RequestView { args: &nul, ..request() },
        RequestView { env: vec![("", "x")], ..request() },
        RequestView { env: vec![("A=B", "x")], ..request() },
        RequestView { env: vec![("A", "x"), ("A", "y")], ..request() },
        RequestView { env: vec![("A", "\0")], ..request() },
        RequestView { files: vec![("a", 1), ("a", 1)], ..request() },
        RequestView { files: vec![("a/b", 1), ("a", 1)], ..request() },
        RequestView { collect: &out, ..request() },
        RequestView { collect: &empty, ..request() },
        RequestView {
            limits: RequestedLimits { memory_bytes: Some(0), ..RequestedLimits::default() },
            ..request()
        },
        RequestView { labels: vec![("-a", "")], ..request() },
        RequestView { labels: vec![("", "")], ..request() },
        RequestView { labels: vec![("a", "\n")], ..request() },
        RequestView { labels: vec![("a", ""), ("a", "")], ..request() },
    ] {
        assert!(matches!(check(&invalid), Err(Violation::Invalid(_))), "{invalid:?}");
    }
}
