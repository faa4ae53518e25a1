//! The decoded server-sent events do not depend on how the stream is split, and are no longer than the
//! stream.
#![no_main]

use cofferdam_http_api::EventDecoder;
use libfuzzer_sys::fuzz_target;

fn decode_all<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, usize, usize) {
    let (mut decoder, mut events) = (EventDecoder::default(), Vec::new());
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(data) = decoder.next_event() {
            events.push(data);
        }
    }
    (events, decoder.buffered(), decoder.gaps())
}

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = decode_all([stream].into_iter());
    assert_eq!(decode_all(stream.chunks(usize::from(*size).max(1))), whole);
    let (events, buffered, _) = whole;
    assert!(events.iter().all(|data| !data.is_empty()));
    assert!(events.iter().map(Vec::len).sum::<usize>() + buffered <= stream.len());
});
