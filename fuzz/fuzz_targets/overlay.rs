//! A Pod overlay is refused, or has made the Pod no weaker.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::overlay(data));
