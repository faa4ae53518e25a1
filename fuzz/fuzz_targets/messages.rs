//! A message that can be decoded survives a round trip, and does not get longer.
#![no_main]

use cofferdam_protocol::{decode_message, encode_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(message) = decode_message(body) else { return };
    let encoded = encode_message(&message).expect("a short message");
    let (length, payload) = encoded.split_first_chunk::<4>().expect("a length");
    assert_eq!(u32::from_le_bytes(*length) as usize, payload.len());
    assert!(payload.len() <= body.len());
    assert_eq!(decode_message(payload), Ok(message));
});
