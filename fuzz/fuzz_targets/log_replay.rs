//! The runner's output is decoded from its log exactly once, whatever other lines there are and however often
//! the log is replayed.
#![no_main]

use arbitrary::Arbitrary;
use cofferdam_protocol::{LogDecoder, LogEncoder};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    lines: Vec<Line>,
    /// The offset at which the decoder joins the log, before the log is read from its start.
    joined_at: Option<u16>,
    /// How far the log is read before each replay, and the size of the chunks.
    replays: Vec<(u16, u8)>,
}

#[derive(Debug, Arbitrary)]
enum Line {
    Runner(Vec<u8>),
    Other(String),
}

fuzz_target!(|input: Input| {
    let (mut encoder, mut channel, mut log) = (LogEncoder::default(), Vec::new(), Vec::new());
    for line in &input.lines {
        match line {
            Line::Runner(bytes) => {
                channel.extend(bytes);
                log.extend(encoder.encode(bytes).into_bytes());
            }
            // Without `c`, no part of the text looks like a line of the runner.
            Line::Other(text) => log.extend(format!("{}\n", text.replace(['c', '\n'], " ")).bytes()),
        }
    }
    let (mut decoder, mut decoded) = (LogDecoder::default(), Vec::new());
    let mut decode = |decoder: &mut LogDecoder, bytes: &[u8], size: usize| {
        for chunk in bytes.chunks(size.max(1)) {
            decoded.extend(decoder.push(chunk).expect("nothing is missing"));
            assert!(channel.starts_with(&decoded));
        }
    };
    if let Some(offset) = input.joined_at {
        decoder.expect_replay();
        decode(&mut decoder, &log[usize::from(offset).min(log.len())..], 7);
    }
    for (length, size) in &input.replays {
        decode(&mut decoder, &log[..usize::from(*length).min(log.len())], (*size).into());
        decoder.restart();
    }
    decode(&mut decoder, &log, 4096);
    assert_eq!(decoded, channel);
});
