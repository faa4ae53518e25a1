//! Any log is decoded in bounded memory, and the result does not depend on how its bytes are split.
#![no_main]

use cofferdam_protocol::{LogDecoder, LogGap};
use libfuzzer_sys::fuzz_target;

fn decode_all<'a>(chunks: impl Iterator<Item = &'a [u8]>, joins: bool) -> (Vec<u8>, Option<LogGap>, String) {
    let (mut decoder, mut channel) = (LogDecoder::default(), Vec::new());
    if joins {
        decoder.expect_replay();
    }
    for chunk in chunks {
        match decoder.push(chunk) {
            Ok(bytes) => channel.extend(bytes),
            Err(gap) => return (channel, Some(gap), decoder.foreign_lines()),
        }
    }
    (channel, None, decoder.foreign_lines())
}

fuzz_target!(|data: &[u8]| {
    let [size, joins, log @ ..] = data else { return };
    let joins = joins % 2 == 1;
    // Bytes in the same chunk as a gap, and before it, are not returned.
    let (channel, gap, other) = decode_all(log.split_inclusive(|byte| *byte == b'\n'), joins);
    let split = decode_all(log.chunks(usize::from(*size).max(1)), joins);
    assert_eq!((&split.1, &split.2), (&gap, &other));
    assert!(channel.starts_with(&split.0) && (gap.is_some() || channel == split.0));
    assert!(channel.len() <= log.len() && other.len() <= 3 * (4 << 10));
});
