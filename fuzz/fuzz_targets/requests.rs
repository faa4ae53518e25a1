//! The body of a request that can be read is, written again, the same request.
#![no_main]

use cofferdam_http_api::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = serde_json::from_slice::<Request>(body) else { return };
    let written = serde_json::to_vec(&request).expect("JSON");
    assert_eq!(serde_json::from_slice::<Request>(&written).expect("a request"), request);
});
