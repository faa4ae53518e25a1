//! A body of several parts is malformed, or is decoded alike however it is split.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::parts(data));
