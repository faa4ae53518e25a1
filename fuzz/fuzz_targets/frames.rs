//! Whatever comes through a channel, and however it is cut, the same frames come out of it, and they say all that was in it.
#![no_main]

use cofferdam_protocol::{Decoder, Frame, MalformedFrame, encode};
use libfuzzer_sys::fuzz_target;

/// The frames, and whether the channel ended between two of them, if it was made of frames.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<bool, MalformedFrame>) {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(malformed) => return (frames, Err(malformed)),
            }
        }
    }
    (frames, Ok(decoder.is_empty()))
}

fuzz_target!(|data: &[u8]| {
    let Some((size, channel)) = data.split_first() else { return };
    let (frames, end) = read([channel].into_iter());
    assert_eq!(read(channel.chunks(usize::from(*size).max(1))), (frames.clone(), end));
    let again: Vec<u8> = frames.iter().flat_map(encode).collect();
    assert!(channel.starts_with(&again));
    assert!(end != Ok(true) || again.len() == channel.len());
});
