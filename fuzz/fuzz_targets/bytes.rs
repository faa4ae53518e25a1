//! Bytes survive a round trip through JSON, which is at most about twice as long.
#![no_main]

use cofferdam_http_api::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let json = serde_json::to_string(&Bytes(bytes.to_vec())).expect("JSON");
    assert!(json.len() <= 2 * bytes.len() + r#"{"base64":"=="}"#.len(), "{json}");
    assert_eq!(serde_json::from_str::<Bytes>(&json).expect("bytes").0, bytes);
});
