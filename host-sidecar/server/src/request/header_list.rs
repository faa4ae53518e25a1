//! Headers whose value is a list. Pure.

use http::{HeaderMap, HeaderName};

/// The elements of all headers with this name. A comma in a quoted string is not a separator (RFC 9110,
/// 5.6.1, 5.6.4).
pub(super) fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(split)
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    list.split(move |character| {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return character == ',' && !is_quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_quoted_string_is_not_a_separator() {
        for (list, elements) in [
            ("", &[""][..]),
            ("a, b", &["a", " b"]),
            (r#"a="1, 2", b"#, &[r#"a="1, 2""#, " b"]),
            (r#"a="\", b", c"#, &[r#"a="\", b""#, " c"]),
            (r#"a="1, b"#, &[r#"a="1, b"#]),
        ] {
            assert_eq!(split(list).collect::<Vec<_>>(), elements, "{list}");
        }
    }
}
