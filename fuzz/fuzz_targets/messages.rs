//! A message that can be read says, when it is written again, the same, and is no longer.
#![no_main]

use cofferdam_protocol::{decode_message, encode_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(message) = decode_message(body) else { return };
    let written = encode_message(&message).expect("it is short");
    let (length, again) = written.split_first_chunk::<4>().expect("a length");
    assert_eq!(u32::from_le_bytes(*length) as usize, again.len());
    assert!(again.len() <= body.len());
    assert_eq!(decode_message(again), Ok(message));
});
