//! The frames of a channel do not depend on how its bytes are split, and encode to the same bytes.
#![no_main]

use cofferdam_protocol::{Frame, FrameDecoder, MalformedFrame, encode};
use libfuzzer_sys::fuzz_target;

/// The frames, and whether the channel ended at a frame boundary, unless a frame was malformed.
fn decode_all<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<bool, MalformedFrame>) {
    let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
    for chunk in chunks {
        decoder.push(chunk);
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
    let (frames, end) = decode_all([channel].into_iter());
    assert_eq!(decode_all(channel.chunks(usize::from(*size).max(1))), (frames.clone(), end));
    let encoded: Vec<u8> = frames.iter().flat_map(encode).collect();
    assert!(channel.starts_with(&encoded));
    assert!(end != Ok(true) || encoded.len() == channel.len());
});
