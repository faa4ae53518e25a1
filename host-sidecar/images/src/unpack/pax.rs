//! The records of a PAX extended header. Source: POSIX, `pax`, "pax Extended Header". Values are bytes: those
//! of extended attributes may contain anything, also ends of lines.

/// Each record's key and value; none if the header is malformed.
pub(super) fn records(mut header: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !header.is_empty() {
        let space = header.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(header.get(..space)?).ok()?.parse().ok()?;
        let record = header.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        records.push((record.get(..equals)?, record.get(equals + 1..)?));
        header = header.get(length..)?;
    }
    Some(records)
}

/// A time in decimal seconds. Times before 1970 are 1970.
pub(super) fn time(value: &[u8]) -> Option<(u64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if seconds.starts_with('-') {
        return Some((0, 0));
    }
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    Some((seconds.parse().ok()?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_contain_anything() {
        let header = b"12 path=a/b\n19 xattr=\n1 x=y\n\n\0\n";
        let expected: [(&[u8], &[u8]); 2] = [(b"path", b"a/b"), (b"xattr", b"\n1 x=y\n\n\0")];
        assert_eq!(records(header).expect("records"), expected);
        assert_eq!(records(b"").expect("none"), []);
    }

    #[test]
    fn a_malformed_header_is_refused() {
        for header in
            ["12 path=a/bc\n", "99 a=b\n", "x a=b\n", "5 ab\n", "0 a=b\n", "2 a=b\n", "a=b", "-6 a=b\n"]
        {
            assert_eq!(records(header.as_bytes()), None, "{header:?}");
        }
    }

    #[test]
    fn a_time_has_nanoseconds() {
        for (text, expected) in [
            ("12", Some((12, 0))),
            ("12.5", Some((12, 500_000_000))),
            ("12.0000000019", Some((12, 1))),
            ("-3.5", Some((0, 0))),
            ("", None),
            ("1.x", None),
            ("1e3", None),
        ] {
            assert_eq!(time(text.as_bytes()), expected, "{text}");
        }
    }
}
