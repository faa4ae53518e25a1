//! An MCP message is malformed, or within its bounds and its call can be checked against the policy.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::message(data));
