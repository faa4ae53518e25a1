//! A request body that can be parsed survives a round trip.
#![no_main]

use cofferdam_http_api::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = serde_json::from_slice::<Request>(body) else { return };
    let json = serde_json::to_vec(&request).expect("JSON");
    assert_eq!(serde_json::from_slice::<Request>(&json).expect("a request"), request);
});
