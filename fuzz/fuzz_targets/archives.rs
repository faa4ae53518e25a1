//! A tar archive is malformed, or is decoded alike however it is split, and none of its paths leads out of the directory.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::archive(data));
