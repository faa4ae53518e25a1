//! A message of MCP is malformed, or a bounded one with a call that policy can decide on.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cofferdam::fuzzing::message(data));
