//! What a watch says of Pods, whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::pods(data));
