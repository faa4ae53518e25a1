use super::*;
use proptest::prelude::*;

fn part(name: &str, filename: Option<&str>) -> PartHead {
    PartHead { name: name.into(), filename: filename.map(Into::into), headers: HeaderMap::new() }
}

#[test]
fn parts_are_decoded_however_they_are_split() {
    let body = b"ignored\r\n--b0\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{}\r\n\
        --b0 \r\ncontent-disposition: form-data; filename=\"a b\"; name=file\r\n\r\n\r\n--b\r\n--b \r\n\r\n--b0\r\n\
        Content-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--b0--ignored";
    let expected = vec![
        (part("request", None), b"{}".to_vec()),
        (part("file", Some("a b")), b"\r\n--b\r\n--b \r\n".to_vec()),
        (part("e", None), vec![]),
    ];
    for size in 1..body.len() {
        assert_eq!(decode(body, size), Ok(Some(expected.clone())), "{size}");
    }
    for end in 0..body.len() - "--ignored".len() + 1 {
        assert_eq!(decode(&body[..end], 7), Ok(None), "{end}");
    }
}

#[test]
fn a_head_has_names_and_headers() {
    let head = |disposition: &str| {
        let body = format!(
            "--b0\r\nContent-Transfer-Encoding: Binary\r\nCofferdam-Mode:  755\r\nContent-Type: text/csv\r\nContent-Disposition: form-data{disposition}\r\n\r\n\r\n--b0--"
        );
        decode(body.as_bytes(), 999).map(|parts| parts.expect("an end").remove(0).0)
    };
    for (disposition, filename) in [
        ("; name=\"f\"", None),
        ("; name=f; filename= x.csv ", Some("x.csv")),
        ("; name=\"f\"; filename=\" x \"", Some(" x ")),
        ("; name=\"f\"; filename=\"data/x;y=1.csv\"", Some("data/x;y=1.csv")),
        ("; name=\"f\"; filename=\"\"", Some("")),
        ("; name=\"f\"; filename=\"a%22b%0D%0A\\c%20\"", Some("a\"b\r\n\\c%20")),
        ("; name=\"f\"; filename=\"gr\u{f6}\u{df}e\"", Some("gr\u{f6}\u{df}e")),
        ("; name=\"f\"; filename=\"x\"; filename*=UTF-8''gr%C3%B6%22%25", Some("gr\u{f6}\"%")),
        ("; NAME=\"f\"; FILENAME*=utf-8'en'x", Some("x")),
    ] {
        let head = head(disposition).expect(disposition);
        assert_eq!((head.name.as_str(), head.filename.as_deref()), ("f", filename), "{disposition}");
        assert_eq!(
            (head.header("cofferdam-mode"), head.header("content-type")),
            (Some("755"), Some("text/csv"))
        );
    }
    for disposition in [
        "",
        "; filename=\"x\"",
        "; name=\"f\"; filename*=x",
        "; name=\"f\"; filename*=latin1''x",
        "; name=\"f\"; filename=\"a\\\"b.csv\"",
        "; name=\"f\"; filename=\"a",
    ] {
        assert!(head(disposition).is_err(), "{disposition}");
    }
}

#[test]
fn a_body_that_is_not_multipart_is_refused_within_bounds() {
    let long = "x".repeat(2 * MAX_PART_HEAD);
    let disposition = "Content-Disposition: form-data; name=f\r\n";
    for (body, part) in [
        ("--b0x\r\n".to_owned(), "text behind it"),
        (format!("--b0{}", " ".repeat(99)), "boundary is too long"),
        (format!("--b0\r\n{long}"), "head of a part is too long"),
        (format!("--b0\r\nA: {long}\r\n\r\n"), "head of a part is too long"),
        ("--b0\r\nno colon\r\n\r\n".to_owned(), "no colon"),
        ("--b0\r\n\r\n".to_owned(), "no name"),
        (format!("--b0\r\n{disposition}{disposition}\r\n"), "header twice"),
        (format!("--b0\r\nA: 1\r\n{disposition}a: 1\r\n\r\n"), "header twice"),
        (format!("--b0\r\n{disposition}Content-Transfer-Encoding: base64\r\n\r\n"), "as they are"),
    ] {
        for size in [1, 100, 1 << 20] {
            let error = decode(body.as_bytes(), size).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_boundary_is_found_in_the_header() {
    for (header, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("multipart/form-data; charset=utf-8; Boundary=\"a b;c\"", Some("a b;c")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"\u{e9}\"", None),
    ] {
        assert_eq!(boundary(header).as_deref(), expected, "{header}");
    }
    assert_eq!(boundary(&format!("m; boundary={}", "x".repeat(71))), None);
}

#[test]
fn the_longest_head_and_boundary_are_decoded_however_they_are_split() {
    let name = "Content-Disposition: form-data; name=f\r\nA: ";
    let value = "x".repeat(MAX_PART_HEAD - name.len());
    let body = format!("--b0{}\r\n{name}{value}\r\n\r\n1\r\n--b0--", " ".repeat(MAX_PADDING));
    for size in [1, 3, body.len()] {
        assert_eq!(
            decode(body.as_bytes(), size).map(|parts| parts.map_or(0, |parts| parts.len())),
            Ok(1),
            "{size}"
        );
    }
}

proptest! {
    #[test]
    fn any_content_survives(
        contents in prop::collection::vec(prop::collection::vec(prop::sample::select(b"\r\n-b01x".to_vec()), 0..20), 0..4),
        size in 1_usize..30,
    ) {
        let has_delimiter = |content: &Vec<u8>| memmem::find(&[b"\r\n", content.as_slice()].concat(), b"\r\n--b0").is_some();
        prop_assume!(!contents.iter().any(has_delimiter));
        let mut body = Vec::new();
        for content in &contents {
            body.extend(b"\r\n--b0\r\nContent-Disposition: form-data; name=f\r\n\r\n");
            body.extend(content);
        }
        body.extend(b"\r\n--b0--");
        let decoded = decode(&body, size).expect("no error").expect("an end");
        prop_assert_eq!(decoded.into_iter().map(|(_, content)| content).collect::<Vec<_>>(), contents);
    }

    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(prop::sample::select(b"\r\n-b0:;=\"% name".to_vec()), 0..200), size in 1_usize..30) {
        let _ = decode(&body, size);
    }
}
