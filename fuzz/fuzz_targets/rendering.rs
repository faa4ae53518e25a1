//! The summary of an outcome is bounded, keeps head and tail of the streams, and has no control characters in
//! names.
#![no_main]

use arbitrary::Arbitrary;
use cofferdam_rendering::{Decoded, Outcome, Stream, TextDecoder, decode, render};
use cofferdam_types::Status;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    exit_code: u8,
    streams: [Output; 2],
    file: (String, usize),
    skipped: (String, String),
    /// Number of files.
    count: u8,
    /// Repeats texts, so that short inputs yield long ones.
    repetitions: u16,
    chunk_size: u8,
}

#[derive(Debug, Arbitrary)]
struct Output {
    bytes: Vec<u8>,
    length: u64,
    cut: Option<u64>,
}

fn decode_and_check(output: &Output, repetitions: usize) -> Decoded {
    let bytes = output.bytes.repeat(repetitions);
    let decoded = decode(bytes.clone(), output.length, output.cut);
    match (&decoded.bytes, output.cut) {
        (None, _) => assert_eq!(decoded.text.as_bytes(), bytes),
        (Some(kept), None) => assert_eq!((kept, &*decoded.text), (&bytes, &*String::from_utf8_lossy(&bytes))),
        (Some(kept), Some(head)) => {
            assert_eq!(kept, &bytes);
            let (head, tail) = bytes.split_at(usize::try_from(head).unwrap_or(usize::MAX).min(bytes.len()));
            // Only for ASCII, since a truncated character is omitted.
            let ascii = |bytes: &[u8]| bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned());
            assert!(ascii(head).is_none_or(|head| decoded.text.starts_with(&head)));
            assert!(ascii(tail).is_none_or(|tail| decoded.text.ends_with(&tail)));
        }
    }
    decoded
}

fn decode_in_chunks(bytes: &[u8], size: usize) -> String {
    let mut decoder = TextDecoder::default();
    let mut text: String = bytes.chunks(size).filter_map(|chunk| decoder.push(chunk)).collect();
    text.extend(decoder.finish());
    text
}

fuzz_target!(|input: Input| {
    let repetitions = usize::from(input.repetitions).clamp(1, 1 << 12);
    for Output { bytes, .. } in &input.streams {
        assert_eq!(
            decode_in_chunks(bytes, usize::from(input.chunk_size).max(1)),
            String::from_utf8_lossy(bytes)
        );
    }
    let decoded = input.streams.each_ref().map(|output| decode_and_check(output, repetitions));
    let (path, skipped, reason) = (
        input.file.0.repeat(repetitions),
        input.skipped.0.repeat(repetitions),
        input.skipped.1.repeat(repetitions),
    );
    let stream = |index: usize| Stream { text: &decoded[index].text, length: input.streams[index].length };
    let mut outcome = Outcome {
        status: Status::Exited(input.exit_code),
        stdout: stream(0),
        stderr: stream(1),
        files: vec![(&path, input.file.1); input.count.into()],
        skipped: vec![(&skipped, &reason); input.count.into()],
    };
    let text = render(&outcome);
    assert!(text.len() <= 16 << 10, "{} bytes", text.len());
    (outcome.stdout, outcome.stderr) = (Stream { text: "", length: 0 }, Stream { text: "", length: 0 });
    let text = render(&outcome);
    assert!(text.lines().count() <= 4 && !text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
});
