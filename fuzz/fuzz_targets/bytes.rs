//! Bytes come out of JSON as they went in, and are never much more than twice as long there.
#![no_main]

use cofferdam_http_api::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let written = serde_json::to_string(&Bytes(bytes.to_vec())).expect("JSON");
    assert!(written.len() <= 2 * bytes.len() + r#"{"base64":"=="}"#.len(), "{written}");
    assert_eq!(serde_json::from_str::<Bytes>(&written).expect("bytes").0, bytes);
});
