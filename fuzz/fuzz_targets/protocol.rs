//! What is decoded of a connection does not depend on how its bytes are split, and survives a round trip.
#![no_main]

use cofferdam_protocol::{Decoder, Frame, Malformed, Message, Payload, encode};
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;

/// The payloads with their channels, and whether the connection ended with a complete envelope, unless it violated the
/// protocol.
fn decode_all<'a, P: Payload>(
    chunks: impl Iterator<Item = &'a [u8]>,
) -> (Vec<(u32, P)>, Result<bool, Malformed>) {
    let (mut decoder, mut decoded) = (Decoder::default(), Vec::new());
    for chunk in chunks {
        decoder.push(chunk);
        loop {
            match decoder.next() {
                Ok(Some(payload)) => decoded.push(payload),
                Ok(None) => break,
                Err(malformed) => return (decoded, Err(malformed)),
            }
        }
        assert!(decoder.missing() > 0);
    }
    (decoded, Ok(decoder.is_empty()))
}

fn check<P: Payload + PartialEq + Debug>(size: usize, bytes: &[u8]) {
    let (decoded, end) = decode_all::<P>([bytes].into_iter());
    let split = decode_all::<P>(bytes.chunks(size));
    assert_eq!((&split.0, &split.1), (&decoded, &end));
    let mut encoded = Vec::new();
    for (channel, payload) in &decoded {
        encoded.extend(encode(*channel, payload).expect("not longer than it was"));
    }
    assert!(encoded.len() <= bytes.len());
    assert_eq!(decode_all(encoded.chunks(size)), (decoded, Ok(true)));
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    check::<Message>(size, bytes);
    check::<Frame>(size, bytes);
});
