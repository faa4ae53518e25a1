//! Any Kubernetes event that a watch reports is handled.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::events(data));
