//! What a model reads of an outcome is bounded, keeps head and tail, and no name in it steers a terminal.
#![no_main]

use arbitrary::Arbitrary;
use cofferdam_rendering::{Decoded, Decoder, Outcome, Status, Stream, decode, render};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Told {
    exit_code: u8,
    streams: [Written; 2],
    file: (String, usize),
    skipped: (String, String),
    /// Makes many files of one.
    count: u8,
    /// Makes long texts of short ones.
    times: u16,
    piece: u8,
}

#[derive(Debug, Arbitrary)]
struct Written {
    bytes: Vec<u8>,
    length: u64,
    cut: Option<u64>,
}

fn made_readable(written: &Written, times: usize) -> Decoded {
    let bytes = written.bytes.repeat(times);
    let decoded = decode(bytes.clone(), written.length, written.cut);
    match (&decoded.bytes, written.cut) {
        (None, _) => assert_eq!(decoded.text.as_bytes(), bytes),
        (Some(kept), None) => assert_eq!((kept, &*decoded.text), (&bytes, &*String::from_utf8_lossy(&bytes))),
        (Some(kept), Some(head)) => {
            assert_eq!(kept, &bytes);
            let (head, tail) = bytes.split_at(usize::try_from(head).unwrap_or(usize::MAX).min(bytes.len()));
            // But for a character that the cut went through.
            let ascii = |bytes: &[u8]| bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned());
            assert!(ascii(head).is_none_or(|head| decoded.text.starts_with(&head)));
            assert!(ascii(tail).is_none_or(|tail| decoded.text.ends_with(&tail)));
        }
    }
    decoded
}

fn in_pieces(bytes: &[u8], size: usize) -> String {
    let mut decoder = Decoder::default();
    let mut text: String = bytes.chunks(size).filter_map(|piece| decoder.push(piece)).collect();
    text.extend(decoder.finish());
    text
}

fuzz_target!(|told: Told| {
    let times = usize::from(told.times).clamp(1, 1 << 12);
    for Written { bytes, .. } in &told.streams {
        assert_eq!(in_pieces(bytes, usize::from(told.piece).max(1)), String::from_utf8_lossy(bytes));
    }
    let decoded = told.streams.each_ref().map(|written| made_readable(written, times));
    let (path, skipped, reason) =
        (told.file.0.repeat(times), told.skipped.0.repeat(times), told.skipped.1.repeat(times));
    let stream = |index: usize| Stream { text: &decoded[index].text, length: told.streams[index].length };
    let mut outcome = Outcome {
        status: Status::Exited(told.exit_code),
        stdout: stream(0),
        stderr: stream(1),
        files: vec![(&path, told.file.1); told.count.into()],
        skipped: vec![(&skipped, &reason); told.count.into()],
    };
    let text = render(&outcome);
    assert!(text.len() <= 16 << 10, "{} bytes", text.len());
    (outcome.stdout, outcome.stderr) = (Stream { text: "", length: 0 }, Stream { text: "", length: 0 });
    let text = render(&outcome);
    assert!(text.lines().count() <= 4 && !text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
});
