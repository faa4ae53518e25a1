use super::*;
use Stream::{Stderr, Stdout};

fn output(retention: Retention, parts: &[(Stream, &str)]) -> Output {
    let mut output = Output::new(retention);
    for (stream, text) in parts {
        output.push(*stream, text.as_bytes()).expect("accepted");
    }
    output
}

fn bytes(stream: Stream, text: &str) -> AtPosition {
    AtPosition::Bytes(stream, text.into())
}

#[test]
fn each_position_has_the_bytes_of_one_stream_up_to_the_next_of_the_other() {
    let output = output(Retention::All(9), &[(Stdout, "ab"), (Stdout, "c"), (Stderr, "d"), (Stdout, "e")]);
    let at: Vec<_> = (0..7).map(|position| output.read(position)).collect();
    let expected = [
        bytes(Stdout, "abc"),
        bytes(Stdout, "bc"),
        bytes(Stdout, "c"),
        bytes(Stderr, "d"),
        bytes(Stdout, "e"),
        AtPosition::End,
        AtPosition::End,
    ];
    assert_eq!(at, expected);
    let captures = [Stdout, Stderr].map(|stream| output.capture(stream).expect("a capture").bytes);
    assert_eq!(captures, [b"abce".to_vec(), b"d".to_vec()]);
}

#[test]
fn a_ring_that_has_gone_round_is_read_in_order() {
    let mut ring = Output::new(Retention::Last(5));
    for number in 0..100_u8 {
        let stream = if number % 3 == 0 { Stderr } else { Stdout };
        ring.push(stream, &[number]).expect("accepted");
        assert!(ring.segments.len() <= 5);
    }
    assert_eq!(ring.read(0), AtPosition::Gap(95));
    let mut all = Vec::new();
    while let AtPosition::Bytes(stream, bytes) = ring.read(95 + all.len() as u64) {
        assert!(bytes.iter().all(|byte| (byte % 3 == 0) == (stream == Stderr)));
        all.extend(bytes);
    }
    assert_eq!(all, [95, 96, 97, 98, 99]);
    let capture = ring.capture(Stdout).expect("a capture");
    assert_eq!((capture.bytes, capture.length, capture.cut), (vec![95, 97, 98], 66, Some(0)));
    assert!(ring.truncate(Stdout).is_err() && ring.tail(Stdout, 1, vec![]).is_err());
}

#[test]
fn what_is_taken_is_gone() {
    let mut output = output(Retention::Unread, &[(Stdout, "ab"), (Stdout, "c")]);
    assert_eq!((output.take(), output.take()), (b"abc".to_vec(), vec![]));
    assert_eq!((output.kept(), output.end()), (0, 3));
    assert!(output.push(Stderr, b"x").is_err());
}

#[test]
fn more_than_the_limit_and_what_follows_a_truncation_is_refused() {
    let mut full = output(Retention::All(4), &[(Stdout, "abcd"), (Stderr, "e")]);
    assert!(full.push(Stdout, b"f").is_err());
    let mut cut = output(Retention::All(4), &[(Stdout, "ab")]);
    assert!(cut.tail(Stdout, 9, b"z".into()).is_err(), "before the truncation");
    assert_eq!(cut.truncate(Stdout), Ok(()));
    assert!(cut.push(Stdout, b"f").is_err() && cut.truncate(Stdout).is_err());
    assert!(cut.tail(Stdout, 9, b"xyz".into()).is_err(), "longer than half of the limit");
    assert_eq!(cut.tail(Stdout, 9, b"yz".into()), Ok(()));
    assert!(cut.tail(Stdout, 9, b"yz".into()).is_err());
    let capture = cut.capture(Stdout).expect("a capture");
    assert_eq!((&*capture.bytes, capture.length, capture.cut), (&b"abyz"[..], 9, Some(2)));
}
