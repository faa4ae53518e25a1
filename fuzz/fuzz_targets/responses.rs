//! A response body that can be parsed survives a round trip.
#![no_main]

use cofferdam_http_api::{Event, Execution, Outcome, Problem};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) {
    let Ok(response) = serde_json::from_slice::<T>(body) else { return };
    let json = serde_json::to_vec(&response).expect("JSON");
    assert_eq!(serde_json::from_slice::<T>(&json).expect("the same type"), response);
}

fuzz_target!(|body: &[u8]| {
    assert_round_trip::<Outcome>(body);
    assert_round_trip::<Problem>(body);
    assert_round_trip::<Event>(body);
    assert_round_trip::<Execution>(body);
});
