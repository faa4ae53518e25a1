//! What a watch says of events, whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::events(data));
