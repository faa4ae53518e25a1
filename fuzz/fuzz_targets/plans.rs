//! A request is refused, or becomes a plan that is what was asked for and may be.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::request(data));
