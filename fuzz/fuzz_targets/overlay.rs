//! A Pod overlay is rejected, or does not weaken the Pod's isolation.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::overlay(data));
