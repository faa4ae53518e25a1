//! Any settings file is loaded or rejected.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::settings(data));
