//! What the runner wrote to its log comes out of it once, whatever else stands there and however often it is read again.
#![no_main]

use arbitrary::Arbitrary;
use cofferdam_protocol::{LogDecoder, LogEncoder};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Story {
    lines: Vec<Line>,
    /// From where the output is joined, before all of it comes.
    joined: Option<u16>,
    /// How far the log is read before it is read again, and in pieces of which size.
    readings: Vec<(u16, u8)>,
}

#[derive(Debug, Arbitrary)]
enum Line {
    Runner(Vec<u8>),
    Other(String),
}

fuzz_target!(|story: Story| {
    let (mut encoder, mut channel, mut log) = (LogEncoder::default(), Vec::new(), Vec::new());
    for line in &story.lines {
        match line {
            Line::Runner(bytes) => {
                channel.extend(bytes);
                log.extend(encoder.encode(bytes).into_bytes());
            }
            // No part of it is a line of the runner's.
            Line::Other(text) => log.extend(format!("{}\n", text.replace(['c', '\n'], " ")).bytes()),
        }
    }
    let (mut decoder, mut read) = (LogDecoder::default(), Vec::new());
    let mut take = |decoder: &mut LogDecoder, bytes: &[u8], size: usize| {
        for piece in bytes.chunks(size.max(1)) {
            read.extend(decoder.push(piece).expect("nothing is missing"));
            assert!(channel.starts_with(&read));
        }
    };
    if let Some(from) = story.joined {
        decoder.join();
        take(&mut decoder, &log[usize::from(from).min(log.len())..], 7);
    }
    for (length, size) in &story.readings {
        take(&mut decoder, &log[..usize::from(*length).min(log.len())], (*size).into());
        decoder.restart();
    }
    take(&mut decoder, &log, 4096);
    assert_eq!(read, channel);
});
