//! Any log is read in bounded space, and the same however it is cut.
#![no_main]

use cofferdam_protocol::{LogDecoder, LogGap};
use libfuzzer_sys::fuzz_target;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, joins: bool) -> (Vec<u8>, Option<LogGap>, String) {
    let (mut decoder, mut channel) = (LogDecoder::default(), Vec::new());
    if joins {
        decoder.join();
    }
    for line in pieces {
        match decoder.push(line) {
            Ok(bytes) => channel.extend(bytes),
            Err(gap) => return (channel, Some(gap), decoder.other()),
        }
    }
    (channel, None, decoder.other())
}

fuzz_target!(|data: &[u8]| {
    let [size, joins, log @ ..] = data else { return };
    let joins = joins % 2 == 1;
    // What stands before a gap in one piece with it is not given.
    let (channel, gap, other) = read(log.split_inclusive(|byte| *byte == b'\n'), joins);
    let cut = read(log.chunks(usize::from(*size).max(1)), joins);
    assert_eq!((&cut.1, &cut.2), (&gap, &other));
    assert!(channel.starts_with(&cut.0) && (gap.is_some() || channel == cut.0));
    assert!(channel.len() <= log.len() && other.len() <= 3 * (4 << 10));
});
