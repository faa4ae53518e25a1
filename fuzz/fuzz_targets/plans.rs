//! A request is rejected, or becomes a plan that matches the request and the policy.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::request(data));
